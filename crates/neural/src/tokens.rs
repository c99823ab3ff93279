//! Text to tokens and back, as a network's own vocabulary cuts it.

use std::{fs, path::Path};

use ahash::AHashMap;
use tokenizers::{
    AddedToken, Tokenizer,
    models::bpe::BPE,
    pre_tokenizers::{byte_level::ByteLevel, digits::Digits, sequence::Sequence},
};

use crate::{Error, Note, Weights};

/// Largest `tokenizer.json` that is read; the largest in use have 35 MB.
const MAX_BYTES: u64 = 64 << 20;

/// The vocabulary of a network.
pub struct Tokens(Tokenizer);

impl Tokens {
    /// From a `tokenizer.json` (Hugging Face).
    ///
    /// # Errors
    /// [`Error::File`], [`Error::TooLarge`], [`Error::Malformed`] with what the reader said.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let size = fs::metadata(path).map_err(Error::file(path))?.len();
        Error::limit(path.display().to_string(), MAX_BYTES, size, "bytes")?;
        let bytes = fs::read(path).map_err(Error::file(path))?;
        let read = Tokenizer::from_bytes(&bytes);
        let broken = |it: tokenizers::Error| {
            Error::malformed(path.display().to_string(), "a tokenizer", it.to_string())
        };
        Ok(Tokens(plain(read.map_err(broken)?)))
    }

    /// From the notes of a GGUF file: byte-level pair encoding (`gpt2`) with the pre-tokenisation of GPT-2 or SmolLM.
    ///
    /// # Errors
    /// [`Error::Malformed`] for another vocabulary or pre-tokenisation, or one that is not whole.
    pub fn of(weights: &Weights) -> Result<Self, Error> {
        let note = |key: &str| weights.notes().get(&format!("tokenizer.ggml.{key}"));
        let malformed = |key: &str, expected: &str, got: Option<&Note>| {
            let got = got.map_or("nothing".to_owned(), |it| format!("{it:?}").chars().take(80).collect());
            Error::malformed(format!("tokenizer.ggml.{key}"), expected, got)
        };
        let Some(Note::Text(kind)) = note("model") else {
            return Err(malformed("model", "a text", note("model")));
        };
        if kind != "gpt2" {
            return Err(malformed("model", "gpt2 (byte-level pair encoding)", note("model")));
        }
        let digits = match note("pre") {
            Some(Note::Text(it)) if it == "smollm" => true,
            Some(Note::Text(it)) if it == "gpt-2" => false,
            other => return Err(malformed("pre", "smollm or gpt-2", other)),
        };
        let (Some(Note::Texts(words)), Some(Note::Texts(merges))) = (note("tokens"), note("merges")) else {
            return Err(malformed("tokens", "lists of tokens and merges", None));
        };
        let mut tokenizer = Tokenizer::new(pairs(words, merges)?);
        let bytes = ByteLevel::new(false, true, true);
        if digits {
            let both = vec![Digits::new(true).into(), bytes.into()];
            tokenizer.with_pre_tokenizer(Some(Sequence::new(both)));
        } else {
            tokenizer.with_pre_tokenizer(Some(bytes));
        }
        tokenizer.with_decoder(Some(bytes));
        let added = tokenizer.add_special_tokens(control(words, note("token_type")));
        added
            .map_err(|it| Error::malformed("tokenizer.ggml.token_type", "control tokens", it.to_string()))?;
        Ok(Tokens(plain(tokenizer)))
    }

    /// The tokens of a text. What looks like a control token in it is read as plain text: no text can steer the network.
    ///
    /// # Errors
    /// [`Error::Malformed`] where the vocabulary cannot say it.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, Error> {
        let encoded = self
            .0
            .encode(text, false)
            .map_err(|it| Error::malformed("text", "words of the vocabulary", it.to_string()));
        Ok(encoded?.get_ids().to_vec())
    }

    /// The text of tokens; control tokens are left out.
    ///
    /// # Errors
    /// [`Error::Malformed`] where they make no text.
    pub fn decode(&self, tokens: &[u32]) -> Result<String, Error> {
        self.0
            .decode(tokens, true)
            .map_err(|it| Error::malformed("tokens", "tokens of a text", it.to_string()))
    }

    /// The number of a token, control tokens too: `<|im_end|>`.
    pub fn id(&self, token: &str) -> Option<u32> {
        self.0.token_to_id(token)
    }
}

fn plain(mut tokenizer: Tokenizer) -> Tokenizer {
    tokenizer.set_encode_special_tokens(true);
    tokenizer
}

fn pairs(words: &[String], merges: &[String]) -> Result<BPE, Error> {
    let vocabulary = words.iter().cloned().zip(0..).collect::<AHashMap<String, u32>>();
    let pair = |merge: &String| {
        let pair = merge.split_once(' ').map(|(left, right)| (left.to_owned(), right.to_owned()));
        pair.ok_or_else(|| {
            Error::malformed("tokenizer.ggml.merges", "two tokens and a space", format!("{merge:?}"))
        })
    };
    let merges = merges.iter().map(pair).collect::<Result<Vec<_>, _>>()?;
    let built = BPE::builder().vocab_and_merges(vocabulary, merges).build();
    built.map_err(|it| Error::malformed("tokenizer.ggml.merges", "merges of tokens", it.to_string()))
}

/// Tokens that are no text (`token_type` 3).
fn control(words: &[String], kinds: Option<&Note>) -> Vec<AddedToken> {
    let Some(Note::Numbers(kinds)) = kinds else { return Vec::new() };
    let control = words.iter().zip(kinds).filter(|(_, kind)| **kind == 3.0);
    control.map(|(word, _)| AddedToken::from(word.clone(), true)).collect()
}
