//! Memory that begins on a cache line.

use std::marker::PhantomData;

/// Bytes of a cache line, and of the widest vector register.
pub(crate) const LINE: usize = 64;

/// Fetches what will be read soon into a cache.
pub(super) fn fetch(bytes: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    super::x86::fetch(bytes.as_ptr(), bytes.len());
    #[cfg(target_arch = "aarch64")]
    super::aarch64::fetch(bytes.as_ptr(), bytes.len());
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = bytes;
}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; LINE]);

/// Plain numbers that any bit pattern is valid for.
pub(crate) trait Plain: Copy + Send + Sync + 'static {}
impl Plain for i8 {}
impl Plain for u8 {}
impl Plain for i16 {}
impl Plain for u16 {}
impl Plain for i32 {}
impl Plain for f32 {}

/// A growing buffer of numbers, zeroed when it grows, that begins at a multiple of [`LINE`].
pub(crate) struct Aligned<T> {
    lines: Vec<Line>,
    len: usize,
    of: PhantomData<T>,
}

impl<T: Plain> Aligned<T> {
    pub(crate) const fn new() -> Self {
        Self { lines: Vec::new(), len: 0, of: PhantomData }
    }

    /// Makes it `len` long. What it held is kept as far as it reaches; memory is never given back.
    pub(crate) fn resize(&mut self, len: usize) {
        let n_lines = (len * size_of::<T>()).div_ceil(LINE);
        if n_lines > self.lines.len() {
            self.lines.resize(n_lines, Line([0; LINE]));
        }
        self.len = len;
    }

    /// Bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.lines.capacity() * LINE
    }
}

impl<T: Plain> Default for Aligned<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Plain> std::ops::Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: `resize` made room for `len` values; every bit pattern is one, and a line is aligned for all of them.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl<T: Plain> std::ops::DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`, and the buffer is borrowed alone.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

/// A buffer that the threads of a region write to, each its own part.
#[derive(Clone, Copy)]
pub(crate) struct Shared<T> {
    at: *mut T,
    len: usize,
}

// SAFETY: `slice` is the only way in, and asks its callers to keep their parts apart.
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    pub(crate) fn new(values: &mut [T]) -> Self {
        Self { at: values.as_mut_ptr(), len: values.len() }
    }

    /// `n` values from `first` on.
    ///
    /// # Safety
    /// The buffer is still borrowed for the region, and nobody else holds a part that overlaps.
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn slice(&self, first: usize, n: usize) -> &mut [T] {
        assert!(first <= self.len && n <= self.len - first, "values {first}..+{n} of {}", self.len);
        // SAFETY: within the buffer, as was just checked; alone, as the caller says.
        unsafe { std::slice::from_raw_parts_mut(self.at.add(first), n) }
    }
}
