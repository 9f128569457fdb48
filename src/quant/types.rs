//! The table of tensor types: one row for each number that ggml gives to a type.

use GgmlType::*;

/// A type that the tensors of a GGUF file can have. Numbers that are missing here were removed from the format
/// (4, 5, 31 to 33, 36 to 38) or are newer than this program; a file keeps those as plain numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u32)]
pub enum GgmlType {
    F32 = 0,
    F16 = 1,
    Q4_0 = 2,
    Q4_1 = 3,
    Q5_0 = 6,
    Q5_1 = 7,
    Q8_0 = 8,
    /// Activations only: never in a file.
    Q8_1 = 9,
    Q2K = 10,
    Q3K = 11,
    Q4K = 12,
    Q5K = 13,
    Q6K = 14,
    /// Activations only: never in a file.
    Q8K = 15,
    IQ2XXS = 16,
    IQ2XS = 17,
    IQ3XXS = 18,
    IQ1S = 19,
    IQ4NL = 20,
    IQ3S = 21,
    IQ2S = 22,
    IQ4XS = 23,
    I8 = 24,
    I16 = 25,
    I32 = 26,
    I64 = 27,
    F64 = 28,
    IQ1M = 29,
    BF16 = 30,
    TQ1_0 = 34,
    TQ2_0 = 35,
    MXFP4 = 39,
    NVFP4 = 40,
    Q1_0 = 41,
    Q2_0 = 42,
}

/// What is known of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TypeRow {
    pub ty: GgmlType,
    /// As llama.cpp and file names write it.
    pub name: &'static str,
    /// Values in a block; rows are whole blocks.
    pub block_len: usize,
    pub block_bytes: usize,
    /// The format activations are brought to before a dot product with weights of this type (`vec_dot_type` in
    /// ggml/src/ggml-cpu/ggml-cpu.c). Absent: weights never have this type.
    pub partner: Option<GgmlType>,
}

const fn row(ty: GgmlType, name: &'static str, block_len: usize, block_bytes: usize, partner: Option<GgmlType>) -> TypeRow {
    TypeRow { ty, name, block_len, block_bytes, partner }
}

/// Every type, by number.
pub const TYPES: &[TypeRow] = &[
    row(F32, "F32", 1, 4, Some(F32)),
    row(F16, "F16", 1, 2, Some(F16)),
    row(Q4_0, "Q4_0", 32, 18, Some(Q8_0)),
    row(Q4_1, "Q4_1", 32, 20, Some(Q8_1)),
    row(Q5_0, "Q5_0", 32, 22, Some(Q8_0)),
    row(Q5_1, "Q5_1", 32, 24, Some(Q8_1)),
    row(Q8_0, "Q8_0", 32, 34, Some(Q8_0)),
    row(Q8_1, "Q8_1", 32, 36, None),
    row(Q2K, "Q2_K", 256, 84, Some(Q8K)),
    row(Q3K, "Q3_K", 256, 110, Some(Q8K)),
    row(Q4K, "Q4_K", 256, 144, Some(Q8K)),
    row(Q5K, "Q5_K", 256, 176, Some(Q8K)),
    row(Q6K, "Q6_K", 256, 210, Some(Q8K)),
    row(Q8K, "Q8_K", 256, 292, None),
    row(IQ2XXS, "IQ2_XXS", 256, 66, Some(Q8K)),
    row(IQ2XS, "IQ2_XS", 256, 74, Some(Q8K)),
    row(IQ3XXS, "IQ3_XXS", 256, 98, Some(Q8K)),
    row(IQ1S, "IQ1_S", 256, 50, Some(Q8K)),
    row(IQ4NL, "IQ4_NL", 32, 18, Some(Q8_0)),
    row(IQ3S, "IQ3_S", 256, 110, Some(Q8K)),
    row(IQ2S, "IQ2_S", 256, 82, Some(Q8K)),
    row(IQ4XS, "IQ4_XS", 256, 136, Some(Q8K)),
    row(I8, "I8", 1, 1, None),
    row(I16, "I16", 1, 2, None),
    row(I32, "I32", 1, 4, None),
    row(I64, "I64", 1, 8, None),
    row(F64, "F64", 1, 8, None),
    row(IQ1M, "IQ1_M", 256, 56, Some(Q8K)),
    row(BF16, "BF16", 1, 2, Some(BF16)),
    row(TQ1_0, "TQ1_0", 256, 54, Some(Q8K)),
    row(TQ2_0, "TQ2_0", 256, 66, Some(Q8K)),
    row(MXFP4, "MXFP4", 32, 17, Some(Q8_0)),
    row(NVFP4, "NVFP4", 64, 36, Some(Q8_0)),
    row(Q1_0, "Q1_0", 128, 18, Some(Q8_0)),
    row(Q2_0, "Q2_0", 64, 18, Some(Q8_0)),
];

/// Numbers that the format once gave to a type and took back, with the name it had.
pub const REMOVED: &[(u32, &str)] = &[
    (4, "Q4_2"),
    (5, "Q4_3"),
    (31, "Q4_0_4_4"),
    (32, "Q4_0_4_8"),
    (33, "Q4_0_8_8"),
    (36, "IQ4_NL_4_4"),
    (37, "IQ4_NL_4_8"),
    (38, "IQ4_NL_8_8"),
];

impl GgmlType {
    /// None for a number that was removed from the format or is not known yet.
    pub fn from_id(id: u32) -> Option<Self> {
        TYPES.iter().map(|r| r.ty).find(|ty| ty.id() == id)
    }

    /// By name, whatever its case: "Q4_K", "q4_k".
    pub fn from_name(name: &str) -> Option<Self> {
        TYPES.iter().find(|r| r.name.eq_ignore_ascii_case(name)).map(|r| r.ty)
    }

    pub fn id(self) -> u32 {
        self as u32
    }

    pub fn row(self) -> &'static TypeRow {
        TYPES.iter().find(|r| r.ty == self).expect("every type has its row, which the tests walk")
    }

    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Values in a block.
    pub fn block_len(self) -> usize {
        self.row().block_len
    }

    pub fn block_bytes(self) -> usize {
        self.row().block_bytes
    }

    /// Bytes of a row of `n` values. None where they are no whole blocks, or too many to count.
    pub fn row_bytes(self, n: usize) -> Option<usize> {
        let row = self.row();
        if n.is_multiple_of(row.block_len) { (n / row.block_len).checked_mul(row.block_bytes) } else { None }
    }

    /// What activations become before a dot product with weights of this type.
    pub fn partner(self) -> Option<GgmlType> {
        self.row().partner
    }
}

impl std::fmt::Display for GgmlType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
