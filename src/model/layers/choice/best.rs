//! The best of many scores.

/// Leaves the `n` largest of the scores' places in `heap`, in no order.
///
/// Rectified scores are often equal, and which of them are among the best is then up to how one looks: this follows the
/// order in which llama.cpp's top-k (ggml/src/ggml-cpu/ops.cpp) replaces what it holds, so that it keeps the same.
pub fn best(scores: &[f32], n: usize, heap: &mut Vec<usize>) {
    heap.clear();
    heap.extend(0..n.min(scores.len()));
    let n = heap.len();
    if n == scores.len() {
        return;
    }
    for parent in (0..n / 2).rev() {
        let here = heap[parent];
        settle(scores, heap, parent, here);
    }
    for at in n..scores.len() {
        if scores[at] > scores[heap[0]] {
            settle(scores, heap, 0, at);
        }
    }
}

/// Puts `new` where it belongs below `hole`, where the smaller stands above: a way down to the end along the smaller of two,
/// then up again as far as it must.
fn settle(scores: &[f32], heap: &mut [usize], top: usize, new: usize) {
    let before = |a: usize, b: usize| scores[a] > scores[b];
    let mut hole = top;
    loop {
        let (left, right) = (2 * hole + 1, 2 * hole + 2);
        let next = match () {
            () if right < heap.len() => {
                if before(heap[right], heap[left]) {
                    left
                } else {
                    right
                }
            }
            () if left < heap.len() => left,
            () => break,
        };
        heap[hole] = heap[next];
        hole = next;
    }
    while hole > top {
        let parent = (hole - 1) / 2;
        if !before(heap[parent], new) {
            break;
        }
        heap[hole] = heap[parent];
        hole = parent;
    }
    heap[hole] = new;
}
