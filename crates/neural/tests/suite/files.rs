//! Small files of weights as others write them, with numbers of a fixed sequence.

/// Numbers between −1 and 1, spread evenly, always the same.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Numbers(seed)
    }

    pub(crate) fn one(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    }

    pub(crate) fn many(&mut self, count: usize, scale: f32) -> Vec<f32> {
        (0..count).map(|_| self.one() * scale).collect()
    }
}

fn le(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|it| it.to_le_bytes()).collect()
}

/// `model.bin` of CTranslate2, version 6.
pub(crate) struct CTranslate2 {
    count: u32,
    bytes: Vec<u8>,
    aliases: Vec<u8>,
}

impl CTranslate2 {
    pub(crate) fn new() -> Self {
        CTranslate2 { count: 0, bytes: Vec::new(), aliases: 0_u32.to_le_bytes().to_vec() }
    }

    fn header(&mut self, name: &str, shape: &[usize], kind: u8, len: usize) {
        self.count += 1;
        self.bytes.extend(text16(name));
        self.bytes.push(shape.len() as u8);
        self.bytes.extend(shape.iter().flat_map(|&it| (it as u32).to_le_bytes()));
        self.bytes.push(kind);
        self.bytes.extend((len as u32).to_le_bytes());
    }

    pub(crate) fn floats(&mut self, name: &str, shape: &[usize], values: &[f32]) {
        self.header(name, shape, 0, values.len() * 4);
        self.bytes.extend(le(values));
    }

    pub(crate) fn heads(&mut self, name: &str, heads: i16) {
        self.header(name, &[], 2, 2);
        self.bytes.extend(heads.to_le_bytes());
    }

    pub(crate) fn byte(&mut self, name: &str, value: u8) {
        self.header(name, &[], 1, 1);
        self.bytes.push(value);
    }

    /// A weight of 16-bit floats, all zero.
    pub(crate) fn zeros(&mut self, name: &str, shape: &[usize]) {
        let len = 2 * shape.iter().product::<usize>();
        self.header(name, shape, 4, len);
        self.bytes.resize(self.bytes.len() + len, 0);
    }

    /// The only alias of a file.
    pub(crate) fn alias(&mut self, alias: &str, name: &str) {
        self.aliases = [&1_u32.to_le_bytes()[..], &text16(alias), &text16(name)].concat();
    }

    pub(crate) fn done(self, specification: &str) -> Vec<u8> {
        let head = [
            &6_u32.to_le_bytes()[..],
            &text16(specification),
            &3_u32.to_le_bytes(),
            &self.count.to_le_bytes(),
        ]
        .concat();
        [head, self.bytes, self.aliases].concat()
    }
}

fn text16(text: &str) -> Vec<u8> {
    [&(text.len() as u16 + 1).to_le_bytes()[..], text.as_bytes(), &[0]].concat()
}

/// A GGUF file, version 3.
#[derive(Default)]
pub(crate) struct Gguf {
    notes: Vec<u8>,
    note_count: u64,
    infos: Vec<u8>,
    info_count: u64,
    data: Vec<u8>,
}

fn text64(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
}

impl Gguf {
    fn note(&mut self, key: &str, kind: u32, value: &[u8]) {
        self.note_count += 1;
        self.notes.extend([&text64(key)[..], &kind.to_le_bytes(), value].concat());
    }

    pub(crate) fn text(&mut self, key: &str, value: &str) {
        self.note(key, 8, &text64(value));
    }

    pub(crate) fn number(&mut self, key: &str, value: u32) {
        self.note(key, 4, &value.to_le_bytes());
    }

    pub(crate) fn float(&mut self, key: &str, value: f32) {
        self.note(key, 6, &value.to_le_bytes());
    }

    pub(crate) fn texts(&mut self, key: &str, values: &[String]) {
        let list: Vec<u8> = values.iter().flat_map(|it| text64(it)).collect();
        self.note(key, 9, &[&8_u32.to_le_bytes()[..], &(values.len() as u64).to_le_bytes(), &list].concat());
    }

    pub(crate) fn integers(&mut self, key: &str, values: &[i32]) {
        let list: Vec<u8> = values.iter().flat_map(|it| it.to_le_bytes()).collect();
        self.note(key, 9, &[&5_u32.to_le_bytes()[..], &(values.len() as u64).to_le_bytes(), &list].concat());
    }

    /// Shape outermost first; the file gives it innermost first.
    pub(crate) fn weight(&mut self, name: &str, shape: &[usize], kind: u32, bytes: &[u8]) {
        self.info_count += 1;
        self.infos.extend([&text64(name)[..], &(shape.len() as u32).to_le_bytes()].concat());
        self.infos.extend(shape.iter().rev().flat_map(|&it| (it as u64).to_le_bytes()));
        self.infos.extend([&kind.to_le_bytes()[..], &(self.data.len() as u64).to_le_bytes()].concat());
        self.data.extend(bytes);
        self.data.resize(self.data.len().next_multiple_of(32), 0);
    }

    pub(crate) fn floats(&mut self, name: &str, shape: &[usize], values: &[f32]) {
        self.weight(name, shape, 0, &le(values));
    }

    pub(crate) fn done(self) -> Vec<u8> {
        let counts = [self.info_count.to_le_bytes(), self.note_count.to_le_bytes()].concat();
        let mut bytes = [&b"GGUF"[..], &3_u32.to_le_bytes(), &counts, &self.notes, &self.infos].concat();
        bytes.resize(bytes.len().next_multiple_of(32), 0);
        bytes.extend(self.data);
        bytes
    }
}

/// Q8_0 blocks of 32: a scale and integers. Gives the bytes and the weights they stand for.
pub(crate) fn q8_0(values: &[f32]) -> (Vec<u8>, Vec<f32>) {
    let (mut bytes, mut exact) = (Vec::new(), Vec::new());
    for block in values.as_chunks::<32>().0 {
        let most = block.iter().fold(0.0_f32, |most, it| most.max(it.abs()));
        let scale = half::f16::from_f32(most / 127.0);
        bytes.extend(scale.to_le_bytes());
        for value in block {
            let integer = (value / scale.to_f32()).round().clamp(-127.0, 127.0) as i8;
            bytes.push(integer as u8);
            exact.push(f32::from(integer) * scale.to_f32());
        }
    }
    (bytes, exact)
}
