use super::*;

pub(super) struct Case {
    pub ty: GgmlType,
    pub k: usize,
    pub n_rows: usize,
    pub bytes: Vec<u8>,
    pub weights: Vec<f32>,
}

impl Case {
    pub(super) fn new(chance: &mut Chance, ty: GgmlType, k: usize, n_rows: usize) -> Self {
        let bytes = chance.blocks(ty, k * n_rows);
        let weights = floats(ty, &bytes, k * n_rows);
        Self { ty, k, n_rows, bytes, weights }
    }

    pub(super) fn rows(&self) -> WeightRows<'_> {
        WeightRows::new(self.ty, &self.bytes, self.k, self.n_rows).unwrap()
    }

    pub(super) fn product(&self, compute: &Compute, x: &[f32], m: usize) -> Vec<f32> {
        let mut prepared = Activations::new();
        compute.prepare(&mut prepared, x, m, &[self.ty]);
        let mut out = vec![f32::NAN; m * self.n_rows];
        compute.linear(&prepared, &[Linear::new(self.rows(), &prepared)], &mut out, self.n_rows);
        out
    }

    pub(super) fn check(&self, compute: &Compute, x: &[f32], m: usize, slack: f64) {
        let out = self.product(compute, x, m);
        let set = compute.set();
        let row_bytes = self.bytes.len() / self.n_rows;
        let by_sums = !set.is_exact() && set.wide(self.ty, m).is_none();
        let factors: Vec<_> = x.chunks_exact(self.k).map(|x| (x, factors(set, self.ty, m, &self.weights, x))).collect();
        for (t, (given, (weights, x))) in factors.iter().enumerate() {
            for (r, w) in weights.chunks_exact(self.k).enumerate() {
                let (mut sum, abs) = truth(w, x);
                if by_sums {
                    sum += drift(self.ty, &self.bytes[r * row_bytes..][..row_bytes], given);
                }
                let got = f64::from(out[t * self.n_rows + r]);
                let off = (got - sum).abs();
                let set = set.tier().name();
                assert!(
                    off <= slack * abs + 1e-30,
                    "{set} {} k={} rows={} m={m}: row {r}, token {t}: {got} is not {sum}, of {abs}",
                    self.ty,
                    self.k,
                    self.n_rows
                );
            }
        }
    }
}

pub(super) fn computes() -> impl Iterator<Item = Compute> {
    sets().iter().map(|set| Compute::new(set, 2))
}

#[test]
fn every_type_tier_and_batch_agrees_with_f64() {
    for compute in computes() {
        let mut chance = Chance(7);
        for ty in TYPES {
            for (k, n_rows) in [(256, 1), (512, 3), (1280, 37), (2304, 16)] {
                let case = Case::new(&mut chance, ty, k, n_rows);
                for m in [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 25] {
                    case.check(&compute, &chance.values(m * k), m, ROUNDING);
                }
            }
        }
    }
}

#[test]
fn every_batch_size_up_to_70() {
    for compute in computes() {
        let mut chance = Chance(70);
        for ty in [GgmlType::F16, GgmlType::Q8_0, GgmlType::Q4K, GgmlType::Q6K] {
            let case = Case::new(&mut chance, ty, 256, 19);
            for m in 1..=70 {
                case.check(&compute, &chance.values(m * 256), m, ROUNDING);
            }
        }
    }
}

#[test]
fn rows_of_32_that_are_no_multiple_of_a_vector() {
    for compute in computes() {
        let mut chance = Chance(32);
        use GgmlType::*;
        for ty in [Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, IQ4NL, MXFP4, NVFP4, Q2_0, Q1_0, F32, F16, BF16] {
            for k in [32, 64, 96, 160, 192, 288, 384, 576].into_iter().filter(|k| ty.row_bytes(*k).is_some()) {
                let case = Case::new(&mut chance, ty, k, 21);
                for m in [1, 2, 7, 8, 9, 30] {
                    case.check(&compute, &chance.values(m * k), m, ROUNDING);
                }
            }
        }
        for ty in [GgmlType::F32, GgmlType::F16, GgmlType::BF16] {
            for k in [1, 2, 15, 17, 33, 100] {
                let case = Case::new(&mut chance, ty, k, 18);
                for m in [1, 5, 8, 13] {
                    case.check(&compute, &chance.values(m * k), m, ROUNDING);
                }
            }
        }
    }
}

#[test]
fn small_batches_are_equal_to_the_bit() {
    for compute in computes() {
        let mut chance = Chance(8);
        for ty in TYPES {
            let case = Case::new(&mut chance, ty, 1536, 11);
            let x = chance.values(SMALL_BATCH * case.k);
            let alone: Vec<Vec<f32>> = x.chunks_exact(case.k).map(|x| case.product(&compute, x, 1)).collect();
            for m in 2..=SMALL_BATCH {
                let together = case.product(&compute, &x[..m * case.k], m);
                for (t, row) in together.chunks_exact(case.n_rows).enumerate() {
                    assert_eq!(row, alone[t], "{} {ty} m={m} token {t}", compute.set().tier().name());
                }
            }
        }
    }
}

#[test]
fn activations_at_their_extremes() {
    for compute in computes() {
        let mut chance = Chance(3);
        for ty in TYPES {
            let case = Case::new(&mut chance, ty, 512, 17);
            let patterns: [fn(usize) -> f32; 5] = [
                |_| 0.0,
                |_| 1.0,
                |i| if i.is_multiple_of(2) { -1.0 } else { 1.0 },
                |i| if i == 300 { -1000.0 } else { 1e-3 },
                |i| if i < 256 { 0.0 } else { 3e-5 },
            ];
            for pattern in patterns {
                for m in [1, 4, 20, 34] {
                    let x: Vec<f32> = (0..m * case.k).map(|i| pattern(i % case.k)).collect();
                    case.check(&compute, &x, m, ROUNDING);
                }
            }
        }
    }
}

#[test]
fn the_exact_set_multiplies_unrounded_activations() {
    let compute = Compute::new(exact(), 2);
    let mut chance = Chance(5);
    for ty in TYPES {
        let case = Case::new(&mut chance, ty, 512, 5);
        for m in [1, 9] {
            case.check(&compute, &chance.values(m * case.k), m, 1e-7);
        }
    }
}

#[test]
fn parts_share_a_row_of_the_output() {
    for compute in computes() {
        let mut chance = Chance(11);
        let (a, b) = (Case::new(&mut chance, GgmlType::Q4K, 256, 21), Case::new(&mut chance, GgmlType::Q6K, 256, 5));
        let bias = chance.values(5);
        for m in [1, 3, 14, 40] {
            let x = chance.values(m * 256);
            let (alone_a, alone_b) = (a.product(&compute, &x, m), b.product(&compute, &x, m));
            let mut prepared = Activations::new();
            compute.prepare(&mut prepared, &x, m, &[a.ty, b.ty]);
            let stride = 30;
            let mut out = vec![2.0; m * stride];
            let parts = [
                Linear::new(a.rows(), &prepared).at_column(1),
                Linear::new(b.rows(), &prepared).at_column(22).with_bias(Some(&bias)).adding(),
            ];
            compute.linear(&prepared, &parts, &mut out, stride);
            for (t, row) in out.chunks_exact(stride).enumerate() {
                assert_eq!(row[1..22], alone_a[t * 21..][..21]);
                let sums: Vec<f32> = alone_b[t * 5..][..5].iter().zip(&bias).map(|(y, b)| 2.0 + (y + b)).collect();
                assert_eq!(row[22..27], sums);
                assert!(row[0] == 2.0 && row[27..].iter().all(|v| *v == 2.0));
            }
        }
    }
}

#[test]
fn a_gate_is_silu_times_up() {
    for compute in computes() {
        let mut chance = Chance(13);
        let (gate, up) = (Case::new(&mut chance, GgmlType::Q4K, 256, 40), Case::new(&mut chance, GgmlType::Q6K, 256, 40));
        for m in [1, 6, 17, 40] {
            let x = chance.values(m * 256);
            let (g, u) = (gate.product(&compute, &x, m), up.product(&compute, &x, m));
            let mut prepared = Activations::new();
            compute.prepare(&mut prepared, &x, m, &[gate.ty, up.ty]);
            let mut out = vec![0.0; m * 40];
            compute.linear(&prepared, &[Linear::new(up.rows(), &prepared).gated(gate.rows())], &mut out, 40);
            for ((out, g), u) in out.iter().zip(g).zip(u) {
                let want = g / (1.0 + (-g).exp()) * u;
                assert!((out - want).abs() <= 1e-5 * want.abs() + 1e-30, "{out} is not {want}");
            }
        }
    }
}

#[test]
fn some_rows_of_the_activations() {
    for compute in computes() {
        let mut chance = Chance(17);
        let case = Case::new(&mut chance, GgmlType::Q5K, 256, 9);
        let x = chance.values(20 * 256);
        let mut prepared = Activations::new();
        compute.prepare(&mut prepared, &x, 20, &[case.ty]);
        let mut out = vec![0.0; 9];
        compute.linear(&prepared, &[Linear::new(case.rows(), &prepared).of_rows(13..14)], &mut out, 9);
        assert_eq!(out, case.product(&compute, &x[13 * 256..14 * 256], 1));
    }
}

/// The last byte of the weights is the last byte that may be read.
#[cfg(unix)]
#[test]
fn nothing_is_read_past_the_weights() {
    for compute in computes() {
        let mut chance = Chance(19);
        for ty in TYPES {
            for n_rows in [1, 5, 16, 19] {
                let case = Case::new(&mut chance, ty, 256, n_rows);
                let guarded = Guarded::new(&case.bytes);
                let rows = WeightRows::new(ty, guarded.bytes(), 256, n_rows).unwrap();
                for m in [1, 3, 8, 12, 33] {
                    let mut prepared = Activations::new();
                    let x = chance.values(m * 256);
                    compute.prepare(&mut prepared, &x, m, &[ty]);
                    let mut out = vec![0.0; m * n_rows];
                    compute.linear(&prepared, &[Linear::new(rows, &prepared)], &mut out, n_rows);
                    assert_eq!(out, case.product(&compute, &x, m));
                }
            }
        }
    }
}

/// Bytes that end where a page ends, before one that must not be touched.
#[cfg(unix)]
struct Guarded {
    map: *mut u8,
    len: usize,
    n: usize,
}

#[cfg(unix)]
impl Guarded {
    fn new(bytes: &[u8]) -> Self {
        // SAFETY: asks for a number.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
        let used = bytes.len().next_multiple_of(page);
        let len = used + page;
        // SAFETY: a fresh private map of `len` bytes, of which the last page is closed and the rest written within it.
        unsafe {
            let map = libc::mmap(std::ptr::null_mut(), len, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANON, -1, 0);
            assert!(map != libc::MAP_FAILED);
            let map = map.cast::<u8>();
            assert_eq!(libc::mprotect(map.add(used).cast(), page, libc::PROT_NONE), 0);
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), map.add(used - bytes.len()), bytes.len());
            Self { map: map.add(used - bytes.len()), len, n: bytes.len() }
        }
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: written by `new`, mapped until the drop.
        unsafe { std::slice::from_raw_parts(self.map, self.n) }
    }
}

#[cfg(unix)]
impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: gives back the whole pages of the map that `new` made.
        unsafe {
            let page = libc::sysconf(libc::_SC_PAGESIZE) as usize;
            let begin = self.map as usize / page * page;
            libc::munmap(begin as *mut libc::c_void, self.len);
        }
    }
}
