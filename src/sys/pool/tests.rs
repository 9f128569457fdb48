use super::*;
use crate::sys::panics::Panicked;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicU32;

#[test]
fn every_chunk_is_done_once() {
    for n_threads in [1, 2, 3, 5] {
        let pool = Pool::new(n_threads);
        for n_chunks in [0, 1, 2, 7, 64, 1000] {
            let counts: Vec<AtomicU32> = (0..n_chunks).map(|_| AtomicU32::new(0)).collect();
            pool.run(n_chunks, &|chunk, worker| {
                assert!(worker < pool.n_threads());
                counts[chunk].fetch_add(1, Ordering::Relaxed);
            });
            assert!(counts.iter().all(|c| c.load(Ordering::Relaxed) == 1), "{n_threads} threads, {n_chunks} chunks");
        }
    }
}

#[test]
fn regions_follow_each_other_without_mixing() {
    let pool = Pool::new(4);
    let _pass = pool.pass();
    let mut sums = [0u64; 13];
    for round in 0..20_000u64 {
        // The buffer belongs to this round alone: a chunk of an older region would show.
        let mut slots = vec![0u64; 1 + (round % 13) as usize];
        let at = slots.as_mut_ptr() as usize;
        pool.run(slots.len(), &|chunk, _| {
            // SAFETY: each chunk writes its own slot, and the buffer outlives the region.
            unsafe { (at as *mut u64).add(chunk).write(round + chunk as u64) };
        });
        for (chunk, value) in slots.iter().enumerate() {
            assert_eq!(*value, round + chunk as u64);
            sums[chunk] += value;
        }
    }
}

#[test]
fn a_worker_number_is_held_by_one_thread_at_a_time() {
    let pool = Pool::new(4);
    let held: Vec<AtomicBool> = (0..4).map(|_| AtomicBool::new(false)).collect();
    for _ in 0..200 {
        pool.run(50, &|_, worker| {
            assert!(!held[worker].swap(true, Ordering::SeqCst));
            std::hint::black_box((0..100).sum::<u32>());
            held[worker].store(false, Ordering::SeqCst);
        });
    }
}

#[test]
fn a_panic_reaches_the_caller_and_the_pool_goes_on() {
    let pool = Pool::new(3);
    for round in 0..200 {
        let caught = catch_unwind(AssertUnwindSafe(|| {
            pool.run(40, &|chunk, _| {
                if chunk == round % 40 {
                    panic!("chunk {chunk}");
                }
            });
        }));
        let payload = caught.expect_err("the panic was swallowed");
        assert_eq!(payload.downcast_ref::<Panicked>().map(|p| p.message.clone()), Some(format!("chunk {}", round % 40)));
        let n_done = AtomicUsize::new(0);
        pool.run(40, &|_, _| {
            n_done.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(n_done.into_inner(), 40);
    }
}

#[test]
fn a_region_inside_a_chunk_is_done_by_that_chunks_thread() {
    let pool = Pool::new(3);
    let n_done = AtomicUsize::new(0);
    pool.run(10, &|_, worker| {
        pool.run(10, &|_, inner| {
            assert_eq!(inner, worker);
            n_done.fetch_add(1, Ordering::Relaxed);
        });
    });
    assert_eq!(n_done.into_inner(), 100);
}

#[test]
fn callers_on_several_threads_take_turns() {
    let pool = Pool::new(3);
    let n_done = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..500 {
                    pool.run(8, &|_, _| {
                        n_done.fetch_add(1, Ordering::Relaxed);
                    });
                }
            });
        }
    });
    assert_eq!(n_done.into_inner(), 4 * 500 * 8);
}

#[test]
fn workers_sleep_outside_a_pass_and_wake_for_work() {
    let pool = Pool::new(3);
    for _ in 0..20 {
        drop(pool.pass());
        while !pool.shared.beds.iter().all(|bed| bed.asleep.load(Ordering::SeqCst)) {
            thread::yield_now();
        }
        // Two chunks that wait for each other can end only if a sleeper was woken.
        let n_arrived = AtomicUsize::new(0);
        pool.run(2, &|_, _| {
            n_arrived.fetch_add(1, Ordering::SeqCst);
            while n_arrived.load(Ordering::SeqCst) < 2 {
                thread::yield_now();
            }
        });
    }
}
