use super::*;

fn token(id: u32) -> TokenOut {
    TokenOut { id, logprob: None, top: Vec::new() }
}

/// What is told of tokens that spell so: text by channel, with the ids that go with it.
fn told(texts: &[&str], now: bool) -> (Vec<(Channel, String, Vec<u32>)>, u32) {
    let mut told = Told::new(Some(&Channels::find("", "", false, |_| false)));
    let mut parts = Vec::new();
    for (id, text) in (0..).zip(texts) {
        let mark = told.splitter.as_ref().and_then(|s| s.mark(text.as_bytes()));
        let pieces = match mark {
            Some(mark) => told.split_at_mark("", mark, false),
            None => told.split(text),
        };
        told.push(token(id), pieces);
        parts.extend(told.take(now));
    }
    let n = told.n_thinking();
    parts.extend(told.finish(""));
    (parts.into_iter().map(|(channel, text, tokens)| (channel, text, tokens.iter().map(|t| t.id).collect())).collect(), n)
}

#[test]
fn tokens_go_with_their_channel_in_their_order() {
    use Channel::{Answer, Thinking};
    let texts = ["<think>", "\n", "Hm", ".", "</think>", "\n\n", "Yes", "."];
    let (parts, n_thinking) = told(&texts, false);
    let text = |channel, text: &str, ids: &[u32]| (channel, text.to_owned(), ids.to_vec());
    assert_eq!(
        parts,
        [
            text(Thinking, "Hm", &[0, 1, 2]),
            text(Thinking, ".", &[3]),
            // The mark's own token and the answer's first ones.
            text(Thinking, "", &[4]),
            text(Answer, "Yes", &[5, 6]),
            text(Answer, ".", &[7]),
        ]
    );
    assert_eq!(n_thinking, 5);
}

#[test]
fn who_wants_probabilities_gets_each_token_at_once() {
    let (parts, _) = told(&["<think>", "Hm", "</think>", "Yes"], true);
    let ids: Vec<Vec<u32>> = parts.iter().map(|(_, _, ids)| ids.clone()).collect();
    assert_eq!(ids, [[0], [1], [2], [3]]);
}

#[test]
fn a_token_that_holds_the_end_of_thinking_is_thinkings() {
    let (parts, n_thinking) = told(&["<think>a", "b</think>c", "d"], false);
    let ids: Vec<u32> = parts.iter().flat_map(|(_, _, ids)| ids.clone()).collect();
    assert_eq!((ids, n_thinking), (vec![0, 1, 2], 2));
    let answer: String = parts.iter().filter(|p| p.0 == Channel::Answer).map(|p| p.1.as_str()).collect();
    assert_eq!(answer, "cd");
}
