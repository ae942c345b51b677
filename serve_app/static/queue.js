// The places of waiting tasks, as the service counts them (actors/task_queue.py): it tells of a task that changes, and not of
// all those whose places change with it.

const OWN_SLOTS = new Set(["training", "inference"]);
const ALL_GPUS = "all GPUs";

// `numbers` are those of submission, by id. Returns places by id.
export function placesOf(tasks, numbers) {
  const number = (task) => numbers.get(task.task_id) ?? Infinity; // not told yet: it is the newest
  const waiting = tasks.filter((task) => task.status === "pending");
  waiting.sort((one, other) => one.priority - other.priority || number(one) - number(other));
  const ahead = new Map();
  const places = new Map();
  for (const { task_id: id, task_type: type, device } of waiting) {
    const kind = OWN_SLOTS.has(type) ? type : "preprocessing";
    const count = (name) => ahead.get(`${kind} ${name}`) ?? 0;
    const isGpu = device !== "cpu";
    // Any GPU will do for "cuda", so it competes with those that want a certain one.
    places.set(id, 1 + (device === "cuda" ? count(ALL_GPUS) : count(device) + (isGpu ? count("cuda") : 0)));
    for (const name of isGpu ? [device, ALL_GPUS] : [device]) ahead.set(`${kind} ${name}`, count(name) + 1);
  }
  return places;
}
