use super::highlight::Grammars;
use super::*;
use crate::text::audit::audit;
use crate::text::hostile::hostile_samples;
use crate::text::{is_allowed_symbol, width};
use crate::tui::theme::{Depth, Meaning, Theme, Themes};
use proptest::prelude::*;
use ratatui::text::Line;
use unicode_segmentation::UnicodeSegmentation;

fn theme() -> Theme {
    Themes::default_theme()
}

fn text(lines: &[Line<'_>]) -> String {
    let line = |line: &Line<'_>| line.spans.iter().map(|span| span.content.as_ref()).collect::<String>();
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn whole(source: &str) -> Document {
    let mut document = Document::new();
    document.push(source);
    document.finish();
    document
}

fn check(source: &str, columns: u16, expected: &str) {
    let mut document = whole(source);
    let lines: Vec<String> = text(document.lines(columns, &theme())).lines().map(|l| l.trim_end().to_owned()).collect();
    assert_eq!(lines.join("\n"), expected, "{source:?}");
}

const TOUR: &str = include_str!("tour.md");

#[test]
fn the_tour_at_several_widths() {
    for columns in [24, 46, 78, 120] {
        let mut document = whole(TOUR);
        let lines = document.lines(columns, &theme()).to_vec();
        insta::assert_snapshot!(format!("tour_{columns}"), text(&lines));
        for line in &lines {
            assert!(line.width() <= usize::from(columns), "{columns}: {line:?}");
        }
    }
}

#[test]
fn the_tour_in_styles() {
    let mut document = whole(TOUR);
    let grammars = Grammars::load();
    document.lines(78, &theme());
    for request in document.highlight_requests(7) {
        document.coloured(grammars.colour(request));
    }
    insta::assert_snapshot!(styled(document.lines(78, &theme()), &theme()));
}

/// Each line's spans with the meaning of their colour and their modifiers.
fn styled(lines: &[Line<'_>], theme: &Theme) -> String {
    use crate::tui::theme::MEANINGS;
    let name = |style: ratatui::style::Style| {
        let ink = MEANINGS.iter().filter(|row| !row.surface).find(|row| theme.style(row.meaning).fg == style.fg && style.fg.is_some());
        let ground = MEANINGS.iter().filter(|row| row.surface).find(|row| theme.style(row.meaning).bg == style.bg && style.bg.is_some());
        let mut name = ink.map_or("", |row| row.name).to_owned();
        name.push_str(&ground.map(|row| format!("/{}", row.name)).unwrap_or_default());
        if !style.add_modifier.is_empty() {
            name.push_str(&format!(" {:?}", style.add_modifier));
        }
        name
    };
    let span = |s: &ratatui::text::Span<'_>| format!("⟨{}⟩{}", name(s.style), s.content);
    lines.iter().map(|line| line.spans.iter().map(span).collect::<String>()).collect::<Vec<_>>().join("\n")
}

#[test]
fn text_wraps_at_words_and_long_words_anywhere() {
    check("one two three four", 9, "one two\nthree\nfour");
    check("a incomprehensibilities b", 8, "a\nincompre\nhensibil\nities b");
    check("first\nsecond  \nthird", 40, "first\nsecond\nthird");
    check("well-known and -5 --flag", 8, "well-\nknown\nand -5\n--flag");
    check("漢字仮名交じり文。です", 8, "漢字仮名\n交じり\n文。です");
    check("e\u{301}e\u{301}e\u{301}e\u{301}", 3, "e\u{301}e\u{301}e\u{301}\ne\u{301}");
    check("مرحبا بالعالم", 8, "مرحبا\nبالعالم");
}

#[test]
fn lists_stand_under_each_other() {
    check("- a\n- b\n  - c\n    - d\n- e", 40, "• a\n• b\n  ◦ c\n    ▪ d\n• e");
    check("9. nine\n10. ten\n    more", 40, " 9. nine\n10. ten\n    more");
    check("- [x] done\n- [ ] open", 40, "☑ done\n☐ open");
    check("- a\n\n- b", 40, "• a\n\n• b");
    check("- a\n\n  second\n- b", 40, "• a\n\n  second\n• b");
    check("text\n- a", 40, "text\n\n• a");
    check("- a long item that wraps", 12, "• a long\n  item that\n  wraps");
    check("-\n- b", 40, "•\n• b");
    check("1. a\n\n   ```\n   code\n   ```", 40, " 1. a\n\n      code                           Y");
}

#[test]
fn quotes_have_a_bar_through_their_gaps() {
    check("> a\n>\n> b\n\nc", 40, "▎ a\n▎\n▎ b\n\nc");
    check("> - a\n> - b\n>   > c", 40, "▎ • a\n▎ • b\n▎   ▎ c");
}

#[test]
fn tables_have_columns_and_no_frame() {
    let table = "| file | size |\n|---|---:|\n| Q8_0 | 1.23 GiB |\n| Q4_K_M | 0.75 GiB |";
    check(table, 60, "  file         size\n  Q8_0     1.23 GiB\n  Q4_K_M   0.75 GiB");
    check(table, 14, "file  Q8_0\nsize  1.23 GiB\n\nfile  Q4_K_M\nsize  0.75 GiB");
    let wide = "| a | b |\n|---|---|\n| one two three four | five six seven eight |\n| x | y |";
    check(wide, 24, "a             b\none two       five six\nthree four    seven\n              eight\n\nx             y");
}

#[test]
fn links_show_where_they_lead() {
    let mut document = whole("see [the page](https://example.org/a) or https://ingle.example/b. And [bad](javascript:x).");
    let lines = document.lines(80, &theme()).to_vec();
    assert_eq!(text(&lines), "see the page (https://example.org/a) or https://ingle.example/b. And bad\n(javascript:x).");
    let links: Vec<(usize, u16, u16, &str)> =
        document.links().iter().map(|l| (l.line, l.columns.start, l.columns.end, l.url.as_str())).collect();
    assert_eq!(links, [(0, 4, 12, "https://example.org/a"), (0, 12, 36, "https://example.org/a"), (0, 40, 63, "https://ingle.example/b")]);
}

#[test]
fn code_keeps_to_its_surface() {
    check("```rust\nfn main() {}\n```", 40, "  fn main() {}                 rust  Y");
    let long = format!("```\n{}\n```", "x".repeat(50));
    check(&long, 40, &format!("  {}  Y\n  {}", "x".repeat(33), "x".repeat(17)));
    assert_eq!(whole("```py\na\tb\n\n```\n").code_blocks(), [CodeBlock { language: "py".into(), text: "a\tb\n\n".into() }]);
}

#[test]
fn without_surfaces_code_keeps_its_signs() {
    let plain = Themes::built_in().load("terminal").expect("a theme").0.at(Depth::Ansi);
    assert_eq!(text(whole("use `ls` now").lines(40, &plain)), "use `ls` now");
    assert_eq!(text(whole("use `ls` now").lines(40, &theme())), "use ls now");
}

#[test]
fn what_is_not_closed_yet_works_already() {
    let growing = |source: &str| {
        let mut document = Document::new();
        document.push(source);
        text(document.lines(40, &theme()))
    };
    assert_eq!(growing("this is **bo"), "this is bo");
    assert_eq!(growing("run `ls -"), "run ls -");
    assert_eq!(growing("2**3 is"), "2**3 is");
    assert_eq!(growing("text\n-"), "text");
    assert_eq!(growing("text\n- a"), "text\n\n• a");
    assert_eq!(growing("text\n\n1"), "text");
    assert_eq!(growing("text\n\n| a | b"), "text");
    assert_eq!(growing("text\n\n| a | b |\n|--"), "text");
    assert_eq!(growing("| a | b |\n|---|---|\n"), "a   b");
}

/// Streams `source` in pieces and compares with rendering it at once; lines of settled blocks must never change.
fn check_stream(source: &str, pieces: usize, columns: u16) {
    let theme = theme();
    let mut document = Document::new();
    let mut piece = String::new();
    for (i, c) in source.chars().enumerate() {
        piece.push(c);
        if i % pieces.max(1) == 0 {
            document.push(&std::mem::take(&mut piece));
            document.lines(columns, &theme);
        }
    }
    document.push(&piece);
    document.lines(columns, &theme);
    document.finish();
    let streamed = document.lines(columns, &theme).to_vec();
    let links = document.links().to_vec();
    let mut at_once = whole(source);
    assert_eq!(text(&streamed), text(at_once.lines(columns, &theme)), "{source:?}");
    assert_eq!(streamed, at_once.lines(columns, &theme), "{source:?}");
    assert_eq!(links, at_once.links(), "{source:?}");
}

#[test]
fn streaming_gives_what_rendering_at_once_gives() {
    for pieces in [1, 3, 17] {
        for columns in [30, 78] {
            check_stream(TOUR, pieces, columns);
        }
    }
}

/// Rows that stand are not laid out again: a later row may yet be wider, have two lines, or need signs around its code.
#[test]
fn a_growing_table_is_what_it_would_be_at_once() {
    let head = "| name | what |\n|---|---:|\n";
    let rows =
        ["| a | b |\n", "| `code` | [x](https://example.org/) |\n", "| a much wider name than before | 1 |\n", "| two<br>lines | 2 |\n"];
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [0, 0, 1, 2], [1, 0, 0, 0]] {
        let table = order.map(|at| rows[at]).concat();
        for source in [format!("{head}{table}"), format!("- in a list\n\n  {}", format!("{head}{table}").replace('\n', "\n  "))] {
            for columns in [16, 30, 50, 78] {
                check_stream(&source, 1, columns);
            }
        }
    }
}

#[test]
fn nothing_above_the_growing_block_moves() {
    let theme = theme();
    let mut document = Document::new();
    let mut above: Vec<Line<'static>> = Vec::new();
    for c in TOUR.chars() {
        document.push(c.encode_utf8(&mut [0; 4]));
        let lines = document.lines(60, &theme).to_vec();
        assert!(lines.len() >= above.len() && lines[..above.len()] == above, "{:?}", document.source());
        // All but the last block, which ends at the last empty line that no quote or list goes through.
        let n = lines.iter().rposition(|line| line.spans.is_empty()).unwrap_or(0);
        let top_level = lines.get(n + 1).is_some_and(|line| !text(std::slice::from_ref(line)).starts_with(' '));
        if top_level && !TOUR[..document.source().len()].ends_with('\n') {
            above = settled(&document, &lines);
        }
    }
}

/// Lines of blocks that a blank line ended in the source, at the left margin.
fn settled(document: &Document, lines: &[Line<'static>]) -> Vec<Line<'static>> {
    let source = document.source();
    let done = source.rfind("\n\n").map_or("", |at| &source[..at]);
    let next = source[done.len()..].trim_start_matches('\n');
    if next.starts_with([' ', '-', '*', '>', '|', '1', '2', '3', '4']) || next.is_empty() || done.matches("```").count() % 2 == 1 {
        return Vec::new();
    }
    let n = whole(done).lines(60, &theme()).len();
    lines[..n.min(lines.len())].to_vec()
}

#[test]
fn colours_come_later_and_move_nothing() {
    let theme = theme();
    let grammars = Grammars::load();
    let mut document = Document::new();
    document.push("```rust\nlet x = \"é\"; // no\nlet y");
    let plain = document.lines(60, &theme).to_vec();
    let request = document.highlight_requests(1).pop().expect("a whole line");
    assert_eq!(request.lines, ["let x = \"é\"; // no"]);
    assert_eq!(document.highlight_requests(1), []);
    let answer = grammars.colour(request);
    document.push(" = 2;\n```\n\nafter\n\nlast");
    document.lines(60, &theme);
    document.coloured(answer);
    let coloured = document.lines(60, &theme).to_vec();
    assert_eq!(text(&plain[..1]), text(&coloured[..1]));
    let meanings = |line: &Line<'_>, what: &str| line.spans.iter().find(|s| s.content.contains(what)).map(|s| s.style.fg);
    assert_eq!(meanings(&coloured[0], "let"), Some(theme.style(Meaning::Keyword).fg));
    assert_eq!(meanings(&coloured[0], "é"), Some(theme.style(Meaning::String).fg));
    assert_eq!(meanings(&coloured[0], "no"), Some(theme.style(Meaning::Comment).fg));
    let rest = document.highlight_requests(1).pop().expect("the second line");
    assert_eq!((rest.first_line, rest.lines.as_slice()), (1, ["let y = 2;".to_owned()].as_slice()));
    document.refused(&rest);
    let rest = document.highlight_requests(1).pop().expect("once more");
    document.coloured(grammars.colour(rest));
    assert_eq!(meanings(&document.lines(60, &theme)[1], "2"), Some(theme.style(Meaning::Number).fg));
    assert_eq!(document.highlight_requests(1), []);
}

#[test]
fn unknown_languages_stay_plain_and_are_asked_once() {
    let grammars = Grammars::load();
    let mut document = whole("```nosuch\na\n```");
    document.lines(60, &theme());
    let request = document.highlight_requests(1).pop().expect("a line");
    document.coloured(grammars.colour(request));
    document.lines(60, &theme());
    assert_eq!(document.highlight_requests(1), []);
}

#[test]
fn common_languages_are_known() {
    let grammars = Grammars::load();
    let keyword = |language: &str, line: &str| {
        let request =
            HighlightRequest { document: 0, code: 0, language: language.into(), first_line: 0, lines: vec![line.into()], resume: None };
        grammars.colour(request).lines[0].first().map(|c| c.meaning)
    };
    for (language, line) in [
        ("rust", "fn x() {}"),
        ("python", "def x(): pass"),
        ("py", "import os"),
        ("bash", "ls -l"),
        ("sh", "echo a"),
        ("javascript", "const a = 1"),
        ("ts", "const a = 1"),
        ("c", "return 1;"),
        ("cpp", "return 1;"),
        ("go", "func x() {}"),
        ("java", "return 1;"),
        ("sql", "select 1"),
        ("ruby", "def x"),
        ("php", "<?php return 1;"),
        ("lua", "local x = 1"),
        ("haskell", "import X"),
        ("html", "<b>"),
    ] {
        assert!(keyword(language, line).is_some_and(|m| m != Meaning::Text), "{language}");
        let plain = matches!(keyword(language, line), Some(Meaning::Code)) && !["html", "php"].contains(&language);
        assert!(!plain, "{language}: {:?}", keyword(language, line));
    }
}

#[test]
fn hostile_text_comes_out_clean_and_fits() {
    let theme = theme();
    for sample in hostile_samples() {
        for source in [
            sample.clone(),
            format!("# {sample}\n\n- {sample}\n- {sample}\n\n> {sample}"),
            format!("```{sample}\n{sample}\n```"),
            format!("| {sample} | b |\n|---|---|\n| {sample} | `{sample}` |"),
            format!("[{sample}](https://a.example/{sample}) **{sample}** &#x1b;[2J&#x202e;"),
        ] {
            check_clean(&source, &theme);
        }
    }
}

fn check_clean(source: &str, theme: &Theme) {
    for columns in [1, 13, 80] {
        let mut document = whole(source);
        for line in document.lines(columns, theme) {
            let content: String = line.spans.iter().map(|s| s.content.as_ref()).collect();
            assert_eq!(audit(content.as_bytes()), [], "{source:?}");
            for span in &line.spans {
                assert!(span.content.graphemes(true).all(is_allowed_symbol), "{source:?}: {span:?}");
            }
            assert!(columns < 20 || width(&content) <= usize::from(columns), "{source:?}: {content:?}");
        }
    }
}

#[test]
fn nesting_is_bounded() {
    for source in [">".repeat(20_000), "- ".repeat(5_000), "*".repeat(20_000), "[".repeat(20_000), format!("{}a", "> - ".repeat(3_000))] {
        let mut document = whole(&source);
        assert!(document.lines(40, &theme()).iter().all(|line| line.width() <= 40), "{}", &source[..10]);
    }
}

#[test]
fn documents_follow_the_text_they_are_given() {
    let theme = theme();
    let mut documents = Documents::default();
    assert_eq!(text(documents.get(1, "one", false).lines(40, &theme)), "one");
    assert_eq!(text(documents.get(1, "one two", false).lines(40, &theme)), "one two");
    assert_eq!(text(documents.get(1, "other", false).lines(40, &theme)), "other");
    assert_eq!(text(documents.get(1, "other **b", true).lines(40, &theme)), "other **b");
    assert_eq!(text(documents.get(1, "other **b**", true).lines(40, &theme)), "other b");
    assert_eq!(text(documents.get(2, "```rust\nfn x() {}\n```", true).lines(40, &theme)).lines().count(), 1);
    assert_eq!(documents.highlight_requests().len(), 1);
}

fn markdown_text() -> impl Strategy<Value = String> {
    let words = proptest::sample::select(vec![
        "a",
        "word ",
        "\n",
        "\n\n",
        "- ",
        "1. ",
        "> ",
        "# ",
        "```",
        "```rust\n",
        "`",
        "**",
        "*",
        "|",
        "| a | b |\n|---|---|\n",
        "  ",
        "    ",
        "---",
        "===",
        "[x](https://a.b/)",
        "https://c.d ",
        "~~",
        "\\",
        "<b>",
        "漢字",
        "e\u{301}",
        "\x1b[2J",
        "\t",
        "[ ] ",
        "!",
        "&amp;",
        "~~~\n",
        "[a]: https://x.y\n",
        "\u{202E}",
        ":",
        "1",
        "+ ",
    ]);
    proptest::collection::vec(words, 0..60).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_stream_gives_what_rendering_at_once_gives(source in markdown_text(), pieces in 1usize..9, columns in 1u16..100) {
        check_stream(&source, pieces, columns);
    }

    #[test]
    fn any_markdown_comes_out_clean(source in markdown_text()) {
        check_clean(&source, &theme());
    }
}

#[test]
fn scopes_become_the_themes_words() {
    let grammars = Grammars::load();
    let check = |language: &str, line: &str, word: &str, expected: Meaning| {
        let request =
            HighlightRequest { document: 0, code: 0, language: language.into(), first_line: 0, lines: vec![line.into()], resume: None };
        let (mut at, place) = (0, line.find(word).expect("the word"));
        let answer = grammars.colour(request);
        let part = answer.lines[0].iter().find(|part| {
            at += part.bytes;
            at > place
        });
        assert_eq!(part.map(|part| part.meaning), Some(expected), "{language}: {word}");
    };
    check("bash", "ingle ladder --text \"a $b\" # c", "ingle", Meaning::Keyword);
    check("sh", "echo a", "echo", Meaning::Keyword);
    check("json", "{\"a\": [1, true, \"x\"]}", "a", Meaning::Keyword);
    check("json", "{\"a\": [1, true, \"x\"]}", "x", Meaning::String);
    check("json", "{\"a\": [1, true, \"x\"]}", "true", Meaning::Number);
    check("yaml", "key: value", "key", Meaning::Keyword);
    check("py", "x = f\"a{b}\"  # c", "b", Meaning::Code);
    check("py", "x = f\"a{b}\"  # c", "a", Meaning::String);
    check("js", "let x = `a${b}`", "b", Meaning::Code);
    check("diff", "+added", "added", Meaning::Good);
    check("toml", "name = 1", "name", Meaning::Keyword);
}
