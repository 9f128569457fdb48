//! How much of anything a file may declare. Each number is also compared with the bytes that are really there.

/// Magic, version and the two counts.
pub const HEADER_BYTES: usize = 24;
/// Keys: real files have fewer than a hundred.
pub const KEYS_MAX: u64 = 1 << 16;
/// Tensors: a mixture with 400 experts stored one by one in 100 layers has about 120,000.
pub const TENSORS_MAX: u64 = 1 << 20;
/// The least a key with its value can take: length, one character, type, no value.
pub const KEY_BYTES_MIN: u64 = 13;
/// The least an entry of the tensor table can take: name length, dimensions, type, offset.
pub const TENSOR_BYTES_MIN: u64 = 24;
/// Bytes of one string: no template or token comes near.
pub const STRING_BYTES_MAX: u64 = 64 << 20;
/// Bytes of a key.
pub const KEY_LEN_MAX: u64 = 65_535;
/// Elements of one array: the largest vocabularies have 300,000.
pub const ARRAY_LEN_MAX: u64 = 1 << 26;
/// Arrays in arrays.
pub const ARRAY_DEPTH_MAX: usize = 4;
/// Bytes, where `general.alignment` is absent.
pub const ALIGNMENT_DEFAULT: u32 = 32;
pub const ALIGNMENT_MIN: u32 = 8;
pub const ALIGNMENT_MAX: u32 = 1 << 20;
/// Bytes of a tensor's name.
pub const TENSOR_NAME_MAX: usize = 64;
pub const DIMS_MAX: u32 = 4;
/// Elements and bytes stay below this, so that sums of two never wrap.
pub const COUNT_MAX: u64 = 1 << 63;
/// Files of one model.
pub const SPLITS_MAX: u64 = 1_024;
