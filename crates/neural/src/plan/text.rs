//! An encoder of texts: numbers of tokens are looked up in tables, added and normalised, encoded, and perhaps pooled to one
//! vector a text (BERT, Devlin et al. 2019; sentence embeddings, Reimers & Gurevych 2019).

use super::dense::Precision;
use super::encoder::{EncoderDescription, EncoderPlan, EncoderWorkspace};
pub(crate) use super::table::{Lookup, Table};
use crate::PlanError;
use crate::kernel::Isa;
use crate::kernel::rows::Norm;

/// What an input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Role {
    /// Rows of this table.
    Table(usize),
    /// Which tokens are seen.
    Mask,
}

/// What becomes of the states of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Pooling {
    /// They are the answer.
    None,
    /// Their mean over the tokens that are seen; of length 1 where it is normalised.
    Mean { normalised: bool },
    /// That of the first token.
    First { normalised: bool },
}

impl Pooling {
    /// One vector of rows; a mean is added up in double precision, in `sums`.
    pub(crate) fn pool<'a>(self, rows: impl Iterator<Item = &'a [f32]>, sums: &mut [f64], to: &mut [f32]) {
        let (rows, normalised) = match self {
            Pooling::None => return,
            Pooling::Mean { normalised } => (rows.take(usize::MAX), normalised),
            Pooling::First { normalised } => (rows.take(1), normalised),
        };
        sums.fill(0.0);
        let mut count = 0.0;
        for row in rows {
            count += 1.0;
            sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        sums.iter_mut().for_each(|sum| *sum /= count);
        if normalised {
            let length = sums.iter().map(|it| it * it).sum::<f64>().sqrt().max(SHORTEST);
            sums.iter_mut().for_each(|sum| *sum /= length);
        }
        to.iter_mut().zip(sums).for_each(|(to, sum)| *to = *sum as f32);
    }

    /// Whether only rows that are seen are needed.
    fn is_of_seen(self) -> bool {
        matches!(self, Pooling::Mean { .. })
    }
}

/// What a length is divided by at least (`torch.nn.functional.normalize`).
const SHORTEST: f64 = 1e-12;

/// An encoder of texts by its weights.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TextDescription {
    /// What each input is, in order.
    pub(crate) roles: Vec<Role>,
    pub(crate) tables: Vec<Lookup>,
    /// `[places, width]`: added at each place; one row at all.
    pub(crate) positions: Vec<f32>,
    /// After the sum.
    pub(crate) norm: Option<Norm>,
    pub(crate) encoder: EncoderDescription,
    pub(crate) pooling: Pooling,
}

/// An encoder of texts ready to run.
#[derive(Debug)]
pub(crate) struct TextPlan {
    pub(super) isa: Isa,
    pub(crate) roles: Vec<Role>,
    pub(crate) tables: Vec<Table>,
    pub(crate) positions: Vec<f32>,
    pub(crate) norm: Option<Norm>,
    pub(crate) encoder: EncoderPlan,
    pub(crate) pooling: Pooling,
}

/// Texts to encode: `[sequences, tokens]` each.
pub(crate) struct Texts<'a> {
    /// For each table the rows that are looked up, in order of the tables.
    pub(crate) numbers: &'a [&'a [i64]],
    /// Which tokens are seen; without it all are.
    pub(crate) mask: Option<&'a [bool]>,
    pub(crate) sequences: usize,
    pub(crate) tokens: usize,
}

/// The memory of one run of a [`TextPlan`].
#[derive(Debug)]
pub(crate) struct TextWorkspace {
    encoder: EncoderWorkspace,
    /// Places of the tokens that are encoded, row after row.
    places: Vec<usize>,
    /// Tokens of each sequence that are encoded.
    lengths: Vec<usize>,
    sums: Vec<f64>,
}

impl TextPlan {
    /// Lays out the weights of `description`.
    ///
    /// # Errors
    /// Shapes that do not fit together.
    pub(crate) fn new(of: &TextDescription, precision: Precision, isa: Isa) -> Result<TextPlan, PlanError> {
        let encoder = EncoderPlan::new(&of.encoder, precision, isa)?;
        let width = encoder.width();
        of.tables.iter().try_for_each(|it| it.check(width))?;
        of.norm.iter().try_for_each(|it| it.check("norm of the tables", width))?;
        let (whole, got) = (of.positions.len() / width.max(1) * width, of.positions.len());
        if whole != got || got == 0 {
            return Err(PlanError::Shape {
                what: "positions",
                of: "values",
                expected: whole.max(width),
                got,
            });
        }
        Ok(TextPlan {
            isa,
            roles: of.roles.clone(),
            tables: of.tables.iter().map(|it| Table::pack(precision, it)).collect(),
            positions: of.positions.clone(),
            norm: of.norm.clone(),
            encoder,
            pooling: of.pooling,
        })
    }

    /// Values of a token, or of a text.
    pub(crate) fn width(&self) -> usize {
        self.encoder.width()
    }

    /// Most tokens of a text; none where any number has its place.
    pub(crate) fn most_tokens(&self) -> Option<usize> {
        let places = self.positions.len() / self.width();
        (places > 1).then_some(places)
    }

    pub(crate) fn workspace(&self, sequences: usize, tokens: usize) -> TextWorkspace {
        TextWorkspace {
            encoder: self.encoder.workspace(sequences, tokens),
            places: Vec::with_capacity(sequences * tokens),
            lengths: Vec::with_capacity(sequences),
            sums: vec![0.0; self.width()],
        }
    }

    /// Encodes texts: `[sequences, tokens, width]`, or `[sequences, width]` where they are pooled. Tokens that are not seen are
    /// not encoded where nothing of them is asked for; no text depends on another or on how far it was filled up. Sets aside no
    /// memory.
    ///
    /// # Errors
    /// Numbers beyond a table, texts longer than the positions, a text of which nothing is seen, lengths that do not fit.
    pub(crate) fn run(
        &self,
        room: &mut TextWorkspace,
        texts: &Texts<'_>,
        output: &mut [f32],
    ) -> Result<(), PlanError> {
        self.check(texts, output)?;
        let TextWorkspace { encoder, places, lengths, sums } = room;
        let is_encoded = |at: &usize| !self.pooling.is_of_seen() || texts.mask.is_none_or(|it| it[*at]);
        places.clear();
        lengths.clear();
        for sequence in 0..texts.sequences {
            let before = places.len();
            places.extend((sequence * texts.tokens..(sequence + 1) * texts.tokens).filter(is_encoded));
            lengths.push(places.len() - before);
        }
        let mask = texts.mask.filter(|_| !self.pooling.is_of_seen());
        let fill = |row: usize, to: &mut [f32]| self.look_up(texts, places[row], to);
        let mut rows = self.encoder.encode_rows(encoder, lengths.iter().copied(), mask, fill);
        if self.pooling == Pooling::None {
            output.chunks_exact_mut(self.width()).zip(rows).for_each(|(to, row)| to.copy_from_slice(row));
            return Ok(());
        }
        for (to, &length) in output.chunks_exact_mut(self.width()).zip(&*lengths) {
            let mut own = rows.by_ref().take(length);
            self.pooling.pool(own.by_ref(), sums, to);
            own.for_each(drop);
        }
        Ok(())
    }

    /// What goes into the first block for one token.
    fn look_up(&self, texts: &Texts<'_>, at: usize, to: &mut [f32]) {
        to.fill(0.0);
        for (table, numbers) in self.tables.iter().zip(texts.numbers) {
            table.add(numbers[at] as usize, to);
        }
        let place = if self.most_tokens().is_some() { at % texts.tokens } else { 0 };
        let position = &self.positions[place * self.width()..];
        to.iter_mut().zip(position).for_each(|(to, value)| *to += value);
        if let Some(norm) = &self.norm {
            norm.apply_in_place(self.isa, to, self.width());
        }
    }

    fn check(&self, texts: &Texts<'_>, output: &[f32]) -> Result<(), PlanError> {
        let count = texts.sequences * texts.tokens;
        let answers = if self.pooling == Pooling::None { count } else { texts.sequences };
        let lengths = [
            ("tables", self.tables.len(), texts.numbers.len()),
            ("mask", count, texts.mask.map_or(count, <[bool]>::len)),
            ("output", answers * self.width(), output.len()),
        ];
        let numbers = texts.numbers.iter().map(|it| ("numbers", count, it.len()));
        if let Some((what, expected, got)) = lengths.into_iter().chain(numbers).find(|it| it.1 != it.2) {
            return Err(PlanError::Shape { what, of: "values", expected, got });
        }
        if let Some(most) = self.most_tokens().filter(|it| *it < texts.tokens) {
            return Err(PlanError::TooLong { most, got: texts.tokens });
        }
        for (table, (rows, numbers)) in self.tables.iter().map(Table::rows).zip(texts.numbers).enumerate() {
            let is_beyond = |it: &i64| usize::try_from(*it).map_or(true, |it| it >= rows);
            if let Some(at) = numbers.iter().position(is_beyond) {
                let (text, place) = (at / texts.tokens, at % texts.tokens);
                return Err(PlanError::Number { table, text, place, rows, got: numbers[at] });
            }
        }
        let seen =
            texts.mask.map(|it| it.chunks_exact(texts.tokens.max(1)).position(|it| !it.contains(&true)));
        match seen.flatten() {
            Some(text) => Err(PlanError::Unseen { text }),
            None if texts.tokens == 0 && texts.sequences > 0 => Err(PlanError::Unseen { text: 0 }),
            None => Ok(()),
        }
    }
}
