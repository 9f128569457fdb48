//! A tensor's bytes from one type to another, on all cores.

use super::QuantizeError;
use super::choice::Choice;
use crate::gguf::{Body, GgufError, TensorInfo};
use crate::quant::{GgmlType, QuantError, dequantize, quantize};
use std::io::Write;
use std::num::NonZero;
use std::sync::Mutex;

/// Values decoded at a time by all threads together: 64 MiB of f32, whatever the tensor's size.
const SLAB_VALUES: usize = 16 << 20;
/// Values a thread takes at a time: a fraction of a second of the slowest search.
const CHUNK_VALUES: usize = 64 << 10;

/// Writes the next tensor; `tell` hears how many of its source bytes are done.
pub(super) fn write<W: Write>(
    body: &mut Body<W>,
    tensor: &TensorInfo,
    choice: &Choice,
    bytes: &[u8],
    tell: &mut dyn FnMut(u64),
) -> Result<(), QuantizeError> {
    let (from, to) = match (choice, tensor.ty) {
        (Choice::Make(to), Some(from)) => (from, *to),
        _ => return Ok(body.tensor([Ok(bytes)])?),
    };
    let row = tensor.shape.first().and_then(|n| usize::try_from(*n).ok()).unwrap_or(1).max(1);
    let rows = Rows { from, to, row };
    let slab_bytes = rows.bytes(from, SLAB_VALUES);
    let slab_values = rows.values(SLAB_VALUES);
    // The writer takes pieces; a piece that cannot be made ends them, and is what went wrong.
    let mut failed = None;
    let mut done = 0;
    let pieces = bytes.chunks(slab_bytes).enumerate().map_while(|(index, slab)| match rows.convert(slab) {
        Ok(piece) => {
            done += slab.len() as u64;
            tell(done);
            Some(Ok::<_, GgufError>(piece))
        }
        Err(cause) => {
            failed = Some(cause.shifted(index * slab_values));
            None
        }
    });
    let written = body.tensor(pieces);
    match failed {
        Some(cause) => Err(QuantizeError::Tensor { name: tensor.name.clone(), cause }),
        None => Ok(written?),
    }
}

/// Rows on their way from one type to another. Both have rows of whole blocks.
struct Rows {
    from: GgmlType,
    to: GgmlType,
    row: usize,
}

impl Rows {
    /// Whole rows that make up about `values`, one at least, in values.
    fn values(&self, values: usize) -> usize {
        (values / self.row).max(1) * self.row
    }

    /// The same in bytes.
    fn bytes(&self, ty: GgmlType, values: usize) -> usize {
        ty.row_bytes(self.values(values)).unwrap_or(1).max(1)
    }

    /// Converts some rows, sharing them out in chunks.
    fn convert(&self, slab: &[u8]) -> Result<Vec<u8>, QuantError> {
        let n_rows = slab.len() / self.bytes(self.from, 0);
        let mut out = vec![0u8; n_rows * self.bytes(self.to, 0)];
        let (chunk_in, chunk_out) = (self.bytes(self.from, CHUNK_VALUES), self.bytes(self.to, CHUNK_VALUES));
        let work = Mutex::new(slab.chunks(chunk_in).zip(out.chunks_mut(chunk_out)).enumerate());
        let next = || work.lock().unwrap_or_else(|e| e.into_inner()).next();
        let worker = || {
            let (mut values, mut made) = (Vec::new(), Vec::new());
            while let Some((index, (from, to))) = next() {
                self.chunk(from, to, &mut values, &mut made).map_err(|e| e.shifted(index * self.values(CHUNK_VALUES)))?;
            }
            Ok(())
        };
        let n_threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..n_threads).map(|_| scope.spawn(worker)).collect();
            workers.into_iter().try_for_each(|w| w.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })?;
        Ok(out)
    }

    fn chunk(&self, from: &[u8], to: &mut [u8], values: &mut Vec<f32>, made: &mut Vec<u8>) -> Result<(), QuantError> {
        values.resize(from.len() / self.bytes(self.from, 0) * self.row, 0.0);
        made.clear();
        dequantize(self.from, from, values)?;
        quantize(self.to, values, made)?;
        to.copy_from_slice(made);
        Ok(())
    }
}
