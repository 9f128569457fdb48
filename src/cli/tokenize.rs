//! `ingle tokenize MODEL`: text to ids and back, exactly.

use super::shell::client::Client;
use super::shell::env::Env;
use super::shell::failure::Failure;
use super::shell::input;
use crate::protocol::{Command, DetokenizedPiece, Event, ModelRef, Report, TokenizeAnswer, TokenizeRequest};
use serde::Deserialize;
use serde_json::{Value, json};

/// Turn text into token ids, or ids into text
///
/// Reads standard input. Text: prints its ids. With --decode ids: writes their exact bytes. With --pieces ids: prints a line of
/// JSON each, `{"id", "hex", "hex_special"}`. With --batch each line of input is a JSON object with these options as keys, and
/// each line of output a JSON object with the result or `error`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    model: String,
    /// Add the tokens that the model wants at the start or the end
    #[arg(long)]
    add_special: bool,
    /// Take the names of control tokens in the text for those tokens
    #[arg(long)]
    parse_special: bool,
    /// Ids to bytes
    #[arg(long, conflicts_with = "pieces")]
    decode: bool,
    /// Each id's bytes, with control tokens hidden and shown
    #[arg(long, conflicts_with = "batch")]
    pieces: bool,
    /// Drop a leading start token and a trailing end token that the model would have added
    #[arg(long, requires = "decode")]
    remove_special: bool,
    /// Write control tokens by their names
    #[arg(long, requires = "decode")]
    unparse_special: bool,
    /// Each line of standard input is a request
    #[arg(long)]
    batch: bool,
}

/// A line of `--batch`.
#[derive(Deserialize)]
struct EncodeLine {
    text: String,
    #[serde(default)]
    add_special: bool,
    #[serde(default)]
    parse_special: bool,
}

/// A line of `--decode --batch`.
#[derive(Deserialize)]
struct DecodeLine {
    ids: Vec<u32>,
    #[serde(default)]
    remove_special: bool,
    #[serde(default)]
    unparse_special: bool,
}

pub(crate) fn run(args: Arguments, env: &Env) -> Result<(), Failure> {
    let mut asker = Asker { client: Client::start()?, model: env.model(&args.model)? };
    match args {
        Arguments { batch: true, decode: true, .. } => asker.batch(env, |line| {
            let DecodeLine { ids, remove_special, unparse_special } = serde_json::from_str(line)?;
            Ok(TokenizeRequest::Decode { ids, remove_special, unparse_special })
        }),
        Arguments { batch: true, .. } => asker.batch(env, |line| {
            let EncodeLine { text, add_special, parse_special } = serde_json::from_str(line)?;
            Ok(TokenizeRequest::Encode { text, add_special, parse_special })
        }),
        Arguments { pieces: true, .. } => pieces(&mut asker, env),
        Arguments { decode: true, remove_special, unparse_special, .. } => {
            let ids = input::ids(&input::stdin_text()?)?;
            match asker.ask(TokenizeRequest::Decode { ids, remove_special, unparse_special })? {
                TokenizeAnswer::Bytes(bytes) if env.json => env.write_json(&json!({ "hex": hex(&bytes) })),
                TokenizeAnswer::Bytes(bytes) => env.write_decoded(&bytes),
                _ => Err(unasked()),
            }
        }
        Arguments { add_special, parse_special, .. } => {
            let text = input::stdin_text()?;
            encode(&mut asker, env, TokenizeRequest::Encode { text, add_special, parse_special })
        }
    }
}

fn encode(asker: &mut Asker, env: &Env, request: TokenizeRequest) -> Result<(), Failure> {
    let TokenizeAnswer::Ids { ids, pieces } = asker.ask(request)? else { return Err(unasked()) };
    if env.json {
        let pieces: Vec<_> = pieces.iter().map(|bytes| String::from_utf8_lossy(bytes)).collect();
        return env.write_json(&json!({ "ids": ids, "pieces": pieces }));
    }
    let ids: Vec<_> = ids.iter().map(u32::to_string).collect();
    env.write_bytes(format!("{}\n", ids.join(" ")).as_bytes())
}

fn pieces(asker: &mut Asker, env: &Env) -> Result<(), Failure> {
    let ids = input::ids(&input::stdin_text()?)?;
    let TokenizeAnswer::Pieces(pieces) = asker.ask(TokenizeRequest::Pieces { ids })? else { return Err(unasked()) };
    let line = |piece: &DetokenizedPiece| {
        json!({ "id": piece.id, "hex": hex(&piece.bytes), "hex_special": hex(&piece.bytes_special) }).to_string() + "\n"
    };
    env.write_bytes(pieces.iter().map(line).collect::<String>().as_bytes())
}

struct Asker {
    client: Client,
    model: ModelRef,
}

impl Asker {
    fn ask(&mut self, request: TokenizeRequest) -> Result<TokenizeAnswer, Failure> {
        let mut answer = None;
        let model = self.model.clone();
        self.client.ask(
            |job| Command::Tokenize { job, model, request },
            |event| {
                if let Event::Tokenized { answer: a, .. } = event {
                    answer = Some(a);
                }
                Ok(())
            },
        )?;
        answer.ok_or_else(unasked)
    }

    /// A line that cannot be answered is answered with its error; the next one is read all the same. A model that
    /// cannot be read is the command's own failure, said before the first line.
    fn batch(&mut self, env: &Env, request: impl Fn(&str) -> Result<TokenizeRequest, serde_json::Error>) -> Result<(), Failure> {
        self.ask(TokenizeRequest::Pieces { ids: Vec::new() })?;
        input::each_stdin_line(|line| {
            if line.trim().is_empty() {
                return Ok(());
            }
            let answer = match request(line) {
                Err(error) => error_line(&error),
                Ok(request) => match self.ask(request) {
                    Ok(TokenizeAnswer::Ids { ids, .. }) => json!({ "ids": ids }),
                    Ok(TokenizeAnswer::Bytes(bytes)) => json!({ "hex": hex(&bytes) }),
                    Ok(TokenizeAnswer::Pieces(_) | TokenizeAnswer::Counts(_)) => return Err(unasked()),
                    Err(Failure::Report(report)) => error_line(&report),
                    Err(failure) => return Err(failure),
                },
            };
            env.write_bytes(format!("{answer}\n").as_bytes())
        })
    }
}

fn error_line(error: &impl std::fmt::Display) -> Value {
    json!({ "error": error.to_string() })
}

fn unasked() -> Failure {
    Report::new("the engine answered something else than was asked", "Please report this as a bug").into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
