use super::audit::{Auditor, audit};
use super::hostile::hostile_samples;
use super::sanitizer::Breaks;
use super::sequences::{self, Features, KeyProtocol, Notification};
use super::*;
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation;

fn check(input: &str, expected: &str) {
    assert_eq!(Shown::block(input).as_str(), expected, "{input:?}");
}

#[test]
fn controls_become_pictures_and_breaks_become_one_kind() {
    check("a\x1b[31mb", "a␛[31mb");
    check("a\0\x07\x08\x7f", "a␀␇␈␡");
    check("a\u{9b}31m\u{85}", "a\u{FFFD}31m\u{FFFD}");
    check("a\r\nb\rc\n\rd\r", "a\nb␍c\n␍d␍");
    check("a\u{2028}b\u{2029}c", "a\nb\nc");
    assert_eq!(Shown::line("a\r\nb\u{2028}c\nd").as_str(), "a b c d");
    check("\u{E000}\u{10EEEE}\u{FFFF}\u{378}", "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}");
    assert_eq!(Shown::bytes(b"a\xff\xc3b").as_str(), "a\u{FFFD}\u{FFFD}b");
}

#[test]
fn tabs_reach_the_next_stop_by_columns() {
    check("\tx", "    x");
    check("ab\tx\n漢\tx", "ab  x\n漢  x");
    check("abcd\te\u{301}\tx", "abcd    e\u{301}   x");
}

#[test]
fn nothing_reorders_and_nothing_hides() {
    check("safe\u{202E}gpj.exe", "safe\u{FFFD}gpj.exe");
    check("\u{2066}a\u{2069}", "\u{FFFD}a\u{FFFD}");
    check("a\u{200E}\u{200F}\u{61C}b", "ab");
    check("pass\u{AD}w\u{200B}ord\u{FEFF}\u{2060}", "password");
    check("\u{115F}\u{1160}\u{3164}\u{FFA0}", "");
    check("a\u{E0041}\u{E0042}b", "a[hidden text, 2 characters]b");
    check("a\u{E0041}b\u{E0042}c\u{E0043}", "a[hidden text, 1 character]bc[hidden text, 2 characters]");
    check("漢\u{E0100}", "漢[hidden text, 1 character]");
}

#[test]
fn flags_spelt_in_tags_are_the_three_known() {
    let flag = |s: &str| {
        let tags: String = s.chars().filter_map(|c| char::from_u32(0xE0000 + u32::from(c))).collect();
        format!("🏴{tags}\u{E007F}")
    };
    for known in ["gbeng", "gbsct", "gbwls"] {
        check(&flag(known), &flag(known));
    }
    check(&flag("ustex"), "🏴[hidden text, 6 characters]");
    check(&flag("gbengl"), "🏴[hidden text, 7 characters]");
    check(&flag("gb"), "🏴[hidden text, 3 characters]");
    check("🏴\u{E0067}", "🏴[hidden text, 1 character]");
}

#[test]
fn joiners_live_where_they_are_needed() {
    for kept in ["👩\u{200D}💻", "👩🏽\u{200D}🚀", "❤\u{FE0F}\u{200D}🔥", "می\u{200C}خواهم", "क्\u{200D}ष", "ക്\u{200D} x", "1\u{FE0F}\u{20E3}"]
    {
        check(kept, kept);
    }
    check("a\u{200D}b\u{200C}", "ab");
    check("👩\u{200D}", "👩");
    check("👩\u{200D}a", "👩a");
    check("م\u{200C}.", "م.");
    check("👩\u{200D}\u{200D}💻", "👩\u{200D}💻");
    check("a\u{FE0F}\u{FE0E}", "a");
    check("2\u{E0000}\u{FE0F}", "2[hidden text, 1 character]");
    check("❤\u{FE0F}\u{FE0F}", "❤\u{FE0F}");
}

#[test]
fn towers_are_lowered_and_marks_have_a_base() {
    check(&format!("a{}b", "\u{301}".repeat(500)), &format!("a{}b", "\u{301}".repeat(8)));
    check("\u{301}a\n\u{301}", "\u{25CC}\u{301}a\n\u{25CC}\u{301}");
    check("\u{1161}", "\u{FFFD}");
    let chain = Shown::line(&"क्".repeat(100));
    assert!(chain.as_str().graphemes(true).all(|g| g.len() <= 64));
}

#[test]
fn widths_are_those_of_cells() {
    for sample in hostile_samples().iter().map(|s| Shown::line(s)).chain([Shown::line("لا 漢字 e\u{301} ｶﾞ 👩\u{200D}💻 🇫🇷")])
    {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 20_000, 1));
        let (end, _) = buffer.set_stringn(0, 0, sample.as_str(), usize::from(u16::MAX), Style::new());
        assert_eq!(usize::from(end), sample.width().min(20_000), "{sample:?}");
    }
}

#[test]
fn hostile_samples_come_out_clean() {
    let samples = hostile_samples();
    assert!(samples.len() >= 200);
    for sample in samples {
        check_clean(&sample);
    }
}

/// What must hold of any text whatever: clean, stable, every grapheme fit for a cell, and the same in any pieces.
fn check_clean(text: &str) {
    let block = Shown::block(text);
    assert_eq!(audit(block.as_str().as_bytes()), [], "{text:?}");
    assert_eq!(Shown::block(block.as_str()), block, "{text:?}");
    let line = Shown::line(text);
    assert!(!line.as_str().contains('\n'));
    assert_eq!(Shown::line(line.as_str()), line, "{text:?}");
    for symbol in line.as_str().graphemes(true) {
        assert!(is_allowed_symbol(symbol), "{symbol:?} of {text:?}");
        assert!(width(symbol) > 0, "{symbol:?} of {text:?}");
    }
    let (mut pieces, mut sanitizer) = (String::new(), Sanitizer::new(Breaks::Keep));
    for c in text.chars() {
        sanitizer.push(c.encode_utf8(&mut [0; 4]), &mut pieces);
    }
    sanitizer.finish(&mut pieces);
    assert_eq!(pieces, block.as_str(), "{text:?}");
}

/// Characters that matter to the rules, far more often than chance would give them.
fn wicked_text() -> impl Strategy<Value = String> {
    let pool: Vec<char> = hostile_samples().iter().flat_map(|s| s.chars().take(12).collect::<Vec<_>>()).collect();
    let wicked = proptest::sample::select(pool);
    proptest::collection::vec(prop_oneof![3 => wicked, 1 => any::<char>(), 1 => proptest::char::range('a', 'c')], 0..40)
        .prop_map(|chars| chars.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_text_comes_out_clean(text in wicked_text()) {
        check_clean(&text);
    }

    #[test]
    fn cuts_fit(text in wicked_text(), columns in 0usize..30) {
        let shown = Shown::line(&text);
        prop_assert!(shown.cut(columns).width() <= columns);
        prop_assert!(shown.cut_start(columns).width() <= columns);
        prop_assert_eq!(audit(shown.cut(columns).as_str().as_bytes()), []);
    }

    #[test]
    fn the_auditor_survives_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0usize..200) {
        let (head, tail) = bytes.split_at(at.min(bytes.len()));
        let mut auditor = Auditor::default();
        auditor.feed(head);
        auditor.feed(tail);
        prop_assert_eq!(auditor.finish(), audit(&bytes));
    }
}

#[test]
fn cells_hold_one_clean_grapheme() {
    for good in ["a", " ", "漢", "e\u{301}", "👩\u{200D}💻", "ی\u{200C}", "━", "⣿", "\u{25CC}\u{301}"] {
        assert!(is_allowed_symbol(good), "{good:?}");
    }
    for bad in ["", "\x1b", "\u{9b}", "ab", "\u{301}", "a\u{E0041}", "\u{10EEEE}", "\u{202E}", "\n", "\u{200B}", "a\u{200D}", "\u{115F}"] {
        assert!(!is_allowed_symbol(bad), "{bad:?}");
    }
    assert!(!is_allowed_symbol(&format!("a{}", "\u{301}".repeat(9))));
}

#[test]
fn all_that_is_built_here_passes_the_audit() {
    let mut auditor = Auditor::default();
    auditor.expect_notifications(true);
    auditor.expect_copies(true);
    let url = HttpUrl::parse("https://example.org/a?b=ü").unwrap();
    let mut written = vec![sequences::link(&url), sequences::LINK_END.to_owned(), sequences::BELL.to_owned(), sequences::copy("ü\x1b[2J")];
    for term in ["xterm-256color", "linux", "dumb"] {
        for (tmux, mouse) in [(None, false), (Some(true), true), (Some(false), true)] {
            let features = Features::for_terminal(term, tmux, mouse);
            written.extend([features.enter(), features.leave()]);
        }
    }
    for sample in hostile_samples() {
        let shown = Shown::line(&sample);
        written.push(sequences::title(Some(&shown)));
        written.extend([Notification::Osc9, Notification::Osc777, Notification::Osc99].map(|how| sequences::notify(how, &shown)));
    }
    written.extend([sequences::BEGIN_FRAME, sequences::END_FRAME, sequences::HIDE_CURSOR].map(str::to_owned));
    auditor.feed(written.concat().as_bytes());
    assert_eq!(auditor.finish(), []);
    assert_eq!(Features::for_terminal("xterm", None, false).keys, KeyProtocol::Kitty);
}

#[test]
fn the_auditor_finds_what_is_off_the_list() {
    for bad in [
        "\x1bc",
        "\x1bP$qm\x1b\\",
        "\x1b_Gx\x1b\\",
        "\x1b^x\x1b\\",
        "\x1bXx\x1b\\",
        "\x1b]52;c;AAAA\x07",
        "\x1b]0;other\x07",
        "\x1b]2;ingle: \u{202E}\x1b\\",
        "\x1b]8;;javascript:x\x07",
        "\x1b]8;;https://a b\x07",
        "\x1b[?5h",
        "\x1b[?1007h",
        "\x1b[21t",
        "\x1b[5n",
        "\x1b[>c",
        "\x1b[20h",
        "\x1b[!p",
        "\x1b7",
        "\x07",
        "\t",
        "\x08",
        "\0",
        "\u{9b}2J",
        "a\u{202E}",
        "\x1b[2",
        "\x1b",
        "\x1b]2;x",
        "\u{301}",
        "\x1b[7 q",
        "\x1b[1;2\x01H",
        "\x1b]9;ingle: x\x07",
        "\x1b]4;0;#fff\x07",
        "\x1b[?1000;1006h",
    ] {
        assert!(!audit(bad.as_bytes()).is_empty(), "{bad:?}");
    }
    assert!(!audit(b"\xff").is_empty());
    let good = "\x1b[?1049h\x1b[2J\x1b[1;1H\x1b[38;2;1;2;3mhé 漢\x1b[0m\r\n\x1b[6 q\x1b[2X\x1b]2;ingle: talk\x1b\\\x1b[?2026l";
    assert_eq!(audit(good.as_bytes()), []);
}

#[test]
fn titles_are_short() {
    let title = sequences::title(Some(&Shown::line(&"x".repeat(300))));
    assert_eq!(title.chars().filter(|c| *c == 'x').count(), 59);
}

#[test]
fn links_lead_to_http_alone() {
    let parse = |s: &str| HttpUrl::parse(s).map(|u| u.to_string());
    assert_eq!(parse("HTTPS://Example.ORG/Päth?q=1#f").as_deref(), Some("https://example.org/P%C3%A4th?q=1#f"));
    assert_eq!(parse("http://[::1]:8080/").as_deref(), Some("http://[::1]:8080/"));
    for bad in
        ["javascript:alert(1)", "file:///etc", "http://", "http:///x", "https://known.org@evil.net/", "https://exämple.org/", "ftp://a.b/"]
    {
        assert_eq!(parse(bad), None, "{bad}");
    }
    assert_eq!(parse("https://a.b/\x1b]52;c;AAAA\x07"), None);
    assert_eq!(parse(&format!("https://a.b/{}", "x".repeat(3000))), None);
}

#[test]
fn the_nearest_word_is_one_that_could_be_meant() {
    let names = ["temp", "top_k", "top_p", "theme", "threads"];
    assert_eq!(nearest("thme", names), Some("theme"));
    assert_eq!(nearest("Theme", names), Some("theme"));
    assert_eq!(nearest("tpo_k", names), Some("top_k"));
    assert_eq!(nearest("colour", names), None);
    assert_eq!(nearest("", names), None);
}
