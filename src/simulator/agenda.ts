/** One thing that is due at a time; setting `live` to false takes it off the agenda. */
export interface Entry<T> {
  readonly at: number;
  readonly item: T;
  live: boolean;
}

/** What is to happen in a world, in time order; things due at the same time happen in the order they were planned. */
export interface Agenda<T> {
  add(at: number, item: T): Entry<T>;
  /** Takes the first entry that is due at `now` or before. */
  take(now: number): Entry<T> | undefined;
}

interface Node<T> extends Entry<T> {
  readonly order: number;
}

/** A binary heap: worlds of thousands of machines plan tens of thousands of things. */
export function createAgenda<T>(): Agenda<T> {
  const heap: Node<T>[] = [];
  let planned = 0;

  const before = (a: number, b: number) => {
    const [left, right] = [heap[a], heap[b]];
    if (left === undefined || right === undefined) return false;
    return left.at < right.at || (left.at === right.at && left.order < right.order);
  };
  const swap = (a: number, b: number) => {
    const [left, right] = [heap[a], heap[b]];
    if (left === undefined || right === undefined) return;
    heap[a] = right;
    heap[b] = left;
  };
  const rise = (from: number) => {
    for (let at = from; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!before(at, parent)) return;
      swap(at, parent);
      at = parent;
    }
  };
  const sink = () => {
    for (let at = 0; ;) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const child = before(right, left) ? right : left;
      if (!before(child, at)) return;
      swap(at, child);
      at = child;
    }
  };
  const removeFirst = () => {
    swap(0, heap.length - 1);
    heap.pop();
    sink();
  };

  return {
    add(at, item) {
      const node: Node<T> = { at, item, live: true, order: (planned += 1) };
      heap.push(node);
      rise(heap.length - 1);
      return node;
    },
    take(now) {
      for (let first = heap[0]; first !== undefined && (first.at <= now || !first.live); first = heap[0]) {
        removeFirst();
        if (!first.live) continue;
        first.live = false;
        return first;
      }
      return undefined;
    },
  };
}
