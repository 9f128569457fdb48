"""What Jinja2 makes of expressions that chat templates use: python3 make.py > expressions.json

Written with Jinja2 3.1.6, in the environment of transformers' `apply_chat_template` (src/transformers/utils/
chat_template_utils.py): sandboxed, trim_blocks, lstrip_blocks, loop controls, `tojson` as json.dumps.
Left out is what minijinja does otherwise and no known template uses: `%` with text on its left, a unary plus, escaped
line ends in strings, and the filters and methods that stand in no template of golden/templates.
"""
import json, re
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.ext import loopcontrols

env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


env.filters["tojson"] = tojson

CONTEXT = {
    "u_s": "héllo wörld", "n": None, "t": True, "f": 1.0, "i": 3, "neg": -7, "tiny": 1e-05, "big": 1e16,
    "l": [1, "a", None, True, 2.5, "it's"],
    "d": {"b": 1, "A": [1, {"x": "y"}], "items": "own", "c": None},
    "e": [], "ed": {}, "s": " \u00a0x y\t",
    "msgs": [{"role": "user", "content": "a"}, {"role": "tool", "content": "b"}, {"role": "user", "content": "c"}],
    "q": 'say "hi" it\'s', "lines": "a\n\nb\r\nc\n", "emoji": "👍🏽ok",
}

# One template a line, and each `{{ }}` of a line of nothing else; a line that does not compile goes on in the next.
TEMPLATES = r'''
{{ n }}|{{ t }}|{{ f }}|{{ tiny }}|{{ big }}|{{ i }}|{{ missing }}|
{{ l }}|{{ d }}|{{ e }}|{{ ed }}
{{ l ~ d }}|{{ n ~ t ~ f }}
{{ l|string }}|{{ f|string }}|{{ n|string }}
{{ l|join(", ") }}|{{ "abc"|join("-") }}|{{ msgs|join(",", attribute="content") }}
{{ l|tojson }}|{{ d|tojson }}|{{ d|tojson(indent=2) }}|{{ d|tojson(sort_keys=true) }}|{{ d|tojson(separators=(",",":")) }}
{{ u_s|tojson(ensure_ascii=true) }}|{{ emoji|tojson(ensure_ascii=true) }}|{{ "<a href='x'>&"|tojson }}
{{ e|tojson(indent=2) }}{{ ed|tojson(indent=2) }}{{ [[],{}]|tojson(indent=1) }}
{{ tiny|tojson }}|{{ big|tojson }}|{{ 1e22 }}|{{ 123456789012345680.0 }}|{{ 0.1 + 0.2 }}|{{ 1/3 }}|{{ 7//2 }}|{{ -7//2 }}|{{ -7 % 3 }}|{{ 2**10 }}|{{ 7/2 }}|{{ 4/2 }}
{{ missing|length }}|{{ missing is iterable }}|{{ missing is sequence }}|{{ missing is string }}|{{ missing is mapping }}|{{ missing == none }}|{{ missing is none }}
{{ n|trim }}|{{ n|upper }}|{{ s|trim }}|{{ s.strip() }}|
{{ n|length }}
{{ missing.x }}
{{ missing["x"] }}
{{ missing|tojson }}
{{ d.nokey }}|{{ d["nokey"] is defined }}|{{ d.b }}|{{ d["items"] }}|{{ d.items is defined }}|{{ d.items is string }}
{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}
{% for k in d %}{{ k }};{% endfor %}{% for k in d.keys() %}{{ k }};{% endfor %}{% for v in d.values() %}{{ v }};{% endfor %}
{{ d.get("b") }}|{{ d.get("zz") }}|{{ d.get("zz", 5) }}|{{ d.get("zz") is none }}
{{ d|items|list }}|{{ missing|items|list }}
{{ d|dictsort }}|{{ d|dictsort|first }}|{{ d|list }}|{{ d|length }}
{{ "a" + "b" }}|{{ 1 + 2 }}|{{ [1] + [2] }}|{{ 1 + 2.5 }}
{{ "a" + n }}
{{ "a" + 1 }}
{{ "a" + e }}
{{ missing + "a" }}
{{ "a" * 3 }}|{{ 3 * "a" }}|{{ [0] * 2 }}
{{ u_s[0] }}|{{ u_s[1] }}|{{ u_s[-1] }}|{{ u_s|length }}|{{ emoji|length }}|{{ u_s[1:4] }}|{{ u_s[::-1] }}|{{ emoji[1:] }}|{{ u_s[:-3] }}|{{ u_s[-3:] }}
{{ l[1:] }}|{{ l[::-1] }}|{{ l[:-1] }}|{{ l[-1] }}|{{ l[::2] }}|{{ l[10] is defined }}|{{ l[5:1:-2] }}|{{ msgs[::-1][0].content }}|{{ msgs[1:]|length }}|{{ l[1:]|tojson }}
{{ "abc" is string }}|{{ d is mapping }}|{{ "abc" is iterable }}|{{ d is iterable }}|{{ l is sequence }}|{{ d is sequence }}|{{ "x" is sequence }}|{{ 1 is iterable }}
{{ 1 is number }}|{{ t is number }}|{{ n is none }}|{{ n is defined }}|{{ t is true }}|{{ 1 is true }}|{{ false is false }}|{{ 0 is false }}|{{ t is boolean }}|{{ 1 is boolean }}|{{ 1.5 is float }}|{{ 1 is integer }}
{{ "ell" in "hello" }}|{{ "b" in d }}|{{ 1 in l }}|{{ "z" not in d }}
{{ "a" in missing }}
{{ "a" in n }}
{{ "a,b,c".split(",") }}|{{ "a,b,c".split(",", 1) }}|{{ "  a  b ".split() }}|{{ "a  b".split(" ") }}|{{ "a</t>b</t>c".split("</t>")[-1] }}|{{ "".split(",") }}|{{ "".split() }}
{{ "xxaxx".strip("x") }}|{{ "\nab\n".lstrip("\n") }}|{{ "abcba".rstrip("ab") }}|{{ "a b ".rstrip() }}|{{ "\x1fa".strip() }}
{{ "a".startswith("a") }}|{{ "ab".endswith("b") }}|{{ "ab".startswith(("x","a")) }}|{{ "aXbX".replace("X","y") }}|{{ "aXbX".replace("X","y",1) }}|{{ "ab".upper() }}|{{ "Ab".lower() }}|{{ "ab cd".title() }}|{{ "ab".capitalize() }}|{{ "abcabc".find("c") }}|{{ "abcabc".rfind("c") }}|{{ "abc".count("b") }}|{{ "a,b".partition(",") }}|{{ "x".join(["a","b"]) }}|{{ "12".isdigit() }}|{{ "a\nb".splitlines() }}|{{ "a_b".removeprefix("a_") }}|{{ "a_b".removesuffix("_b") }}
{{ "{} and {}".format("a", 1) }}|{{ "{0}{1}{0}".format("a","b") }}|{{ "{x}".format(x=3) }}
{{ missing|default("d") }}|{{ n|default("d") }}|{{ ""|default("d", true) }}|{{ n|default("d", true) }}|{{ n|default("d", boolean=true) }}
{{ lines|indent(2) }}|{{ lines|indent(2, first=true) }}|{{ lines|indent(2, true) }}|{{ "a\nb"|indent }}|{{ "a\n\nb"|indent(2, blank=true) }}
{{ msgs|map(attribute="role")|list }}|{{ ["a","b"]|map("upper")|list }}|{{ msgs|map(attribute="content")|join("+") }}
{{ msgs|selectattr("role","equalto","user")|list|length }}|{{ msgs|selectattr("role","==","user")|map(attribute="content")|list }}|{{ msgs|rejectattr("role","equalto","user")|list }}|{{ [1,2,3]|reject("equalto",2)|list }}|{{ [1,2,3]|select("greaterthan",1)|list }}|{{ msgs|selectattr("nokey")|list }}|{{ msgs|selectattr("role","in",["tool"])|list|length }}|{{ msgs|selectattr("role","defined")|list|length }}
{{ msgs|map(attribute="role")|unique|list }}|{{ [3,1,2]|sort }}|{{ msgs|sort(attribute="content", reverse=true)|map(attribute="content")|list }}|{{ [3,1]|min }}|{{ [3,1]|max }}|{{ [1,2]|sum }}|{{ "12"|int }}|{{ "x"|int }}|{{ "3.7"|float }}|{{ 3.7|int }}|{{ 3.14159|round(2) }}|{{ -3|abs }}|{{ [1,2,3]|first }}|{{ [1,2,3]|last }}|{{ [1,2]|reverse|list }}
{{ "a" if t }}|{{ "a" if false }}|{{ ("a" if false) is defined }}|{{ 1 < 2 < 3 }}|{{ 1 < 3 < 2 }}|{{ "" or "x" }}|{{ "a" and "b" }}|{{ n or 0 }}|{{ not n is none }}|{{ 0 or none or [] }}
{{ "a" + "b "|trim }}|{{ "a" ~ 1 + 2 }}
{% set x = 1 %}{% for k in [1,2] %}{% set x = k %}{% endfor %}{{ x }}|{% if true %}{% set y = 9 %}{% endif %}{{ y }}
{% set ns = namespace(a=1, b=[]) %}{% for k in [1,2] %}{% set ns.a = ns.a + k %}{% set ns.b = ns.b + [k] %}{% endfor %}{{ ns.a }}{{ ns.b }}
{% macro m(a, b="x", c=none) %}[{{ a }}{{ b }}{{ c }}{{ z }}]{% endmacro %}{% set z = 5 %}{{ m(1) }}{{ m(1, c=2) }}{{ m("q", "r") }}{{ m() }}
{% for m in msgs if m.role == "user" %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.revindex }}{{ loop.previtem is defined }}{{ loop.nextitem.content }};{% endfor %}
{% for m in msgs %}{% if loop.index == 2 %}{% continue %}{% endif %}{{ m.content }}{% if m.content == "c" %}{% break %}{% endif %}{% else %}none{% endfor %}{% for x in [] %}{% else %}empty{% endfor %}
{% for a in [1,2] %}{% for b in [3,4] %}{{ loop.index }}{{ loop.parent is defined }}{% endfor %}{{ loop.index }}{{ loop.cycle("o","e") }}{% endfor %}
{% set v %}  block {{ i }}
{% endset %}{{ v }}|{{ v|trim }}|{{ v is string }}
{% filter upper %}abc{{ u_s }}{% endfilter %}
{%- if d.c is none and d.b == 1 %} yes {%- endif %}
{{ range(3)|list }}{{ range(1,7,2)|list }}{{ range(3)[1] }}|{{ dict(a=1)|tojson }}|{{ dict(a=1).a }}
{{ q }}|{{ [q] }}|{{ ["a\nb\t\\ é 👍 \x00\x7f"] }}
{{ (1,) }}|{{ (1,2) }}|{{ () }}|{{ (1,2)|tojson }}|{{ {"a": (1, none)} }}|{{ {1: "x"} }}
{{ "a" == "a" }}|{{ 1 == 1.0 }}|{{ true == 1 }}|{{ [1] == [1] }}|{{ d == d }}|{{ "1" == 1 }}|{{ none == false }}|{{ "a" < "b" }}
{{ n.x }}
{{ n["x"] }}
{{ "abc".x is defined }}|{{ 5 .x is defined }}
{{ "abc"["x"] is defined }}
{{ l|length }}{{ l|count }}|{{ "abc"|reverse }}|{{ "abc"|list }}|{{ "abc"|first }}|{{ "<b>"|escape }}|{{ "<b>"|e }}|{{ "x"|safe }}|{{ "hello world"|title }}|{{ "hello"|capitalize }}|{{ "aXb"|replace("X","-") }}|{{ "abc"|upper }}
{{ [1,2,3,4]|batch(2)|list }}|{{ [[1,2],[3]]|sum(start=[]) }}|{{ msgs|groupby("role")|list|length }}
{{ cycler("a","b").next() }}|{% set j = joiner(",") %}{{ j() }}a{{ j() }}b
{{ d["A"][1].x }}|{{ d.A[1]["x"] }}|{{ d.A.1.x }}
{{ l.append(1) }}
{{ [1].pop() }}
{{ unknown() }}
{{ 10 > 9 and 3 in [1,2,3] }}|{{ 5 is divisibleby 5 }}|{{ 3 is odd }}|{{ 4 is even }}|{{ "a" is lower }}|{{ "A" is upper }}|{{ i is eq 3 }}|{{ i is sameas i }}|{{ i is in [3] }}|{{ i is gt 2 }}|{{ n is sameas none }}
{# comment #}a{#- c -#} b
a {%- if true -%} b {%- endif -%} c
  {% if true %}
    x
  {% endif %}
y
{% raw %}{{ x }}{% endraw %}|{{ '{{' }}|{{ "{%" }}
{% with a = 3 %}{{ a }}{% endwith %}|{{ a is defined }}
{% set a, b = 1, 2 %}{{ a }}{{ b }}|{% for (a, b) in [(1,2)] %}{{ a }}{{ b }}{% endfor %}
{% call(x) mm() %}{{ x }}{% endcall %}
{% macro wrap() %}<{{ caller() }}>{% endmacro %}{% call wrap() %}in{% endcall %}
{% for m in msgs recursive %}{{ m.content }}{% endfor %}
{{ l|map("string")|list }}|{{ l|select|list }}|{{ l|reject("none")|list }}|{{ [1,"a"]|select("string")|list }}|{{ d|tojson|length }}
{{ "x"|string|length }}|{{ t|string|lower }}|{{ t|lower }}|{{ i|string + "a" }}|{{ f|int }}
{{ 1_000 }}|{{ 0x1F }}|{{ 1e3 }}|{{ -1 }}|{{ 1.50 }}
{{ lines.split("\n") }}|{{ lines.splitlines() }}
{{ namespace(a=1).a }}|{{ namespace() is defined }}
{{ loop is defined }}|{{ true and not false }}|{{ True }}{{ None }}{{ False }}
{{ "%.2f"|format(3.14159) }}|{{ "%s, %s"|format("a", "b") }}|{{ 5|string|int + 1 }}|{{ [1,2]|string }}|{{ none|int }}|{{ "1.5"|int }}
{{ d.update({"z": 1}) }}
{{ msgs[0]["role"] ~ ":" ~ msgs[-1].role }}|{{ msgs[0].nope is defined and msgs[0].nope }}|{{ msgs[5].content is defined }}
{{ s|replace(" ", "_") }}|{{ n|default }}|{{ missing|default }}|{{ missing|upper }}|{{ missing ~ "x" }}|{{ missing|string }}|{{ missing|list }}|{{ missing|join(",") }}|{{ missing|first is defined }}
{{ [d, n]|tojson }}|{{ [missing] }}|{{ {"a": missing} }}
{{ 3 in range(5) }}|{{ "a"|default("b") ~ "c" }}|{{ ["x","y"]|last }}|{{ "abc"[1:2] }}{{ "abc"[-2:-1] }}{{ "abc"[5:] }}|{{ [][0] is defined }}
'''

cases, held = [], ""
for line in TEMPLATES.strip("\n").split("\n"):
    parts = re.sub(r"\}\}\|\{\{", "}}\0{{", line).split("\0") if line.startswith("{{") and not held else [line]
    for part in parts:
        source = held + part
        try:
            template = env.from_string(source)
        except Exception:
            held = source + "\n"
            continue
        held = ""
        try:
            cases.append({"template": source, "expected": template.render(**CONTEXT)})
        except Exception as error:
            cases.append({"template": source, "error": f"{type(error).__name__}: {error}"})
print(json.dumps({"context": CONTEXT, "cases": cases}, ensure_ascii=False, indent=1))
