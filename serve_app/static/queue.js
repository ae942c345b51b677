// The queue positions of waiting tasks, counted as the service does (actors/tasks/queue.py). The service reports only the
// task that changes, not the tasks whose positions change as a result.

const OWN_SLOTS = new Set(["training", "inference"]);
const ALL_GPUS = "all GPUs";

// `numbers` are submission numbers by task id. Returns queue positions by task id.
export function placesOf(tasks, numbers) {
  const number = (task) => numbers.get(task.task_id) ?? Infinity; // not reported yet: it is the newest task
  const waiting = tasks.filter((task) => task.status === "pending");
  waiting.sort((one, other) => one.priority - other.priority || number(one) - number(other));
  const ahead = new Map();
  const places = new Map();
  for (const { task_id: id, task_type: type, device } of waiting) {
    const kind = OWN_SLOTS.has(type) ? type : "preprocessing";
    const count = (name) => ahead.get(`${kind} ${name}`) ?? 0;
    const isGpu = device !== "cpu";
    // A task for "cuda" takes any GPU, so it competes with tasks for a particular GPU.
    places.set(id, 1 + (device === "cuda" ? count(ALL_GPUS) : count(device) + (isGpu ? count("cuda") : 0)));
    for (const name of isGpu ? [device, ALL_GPUS] : [device]) ahead.set(`${kind} ${name}`, count(name) + 1);
  }
  return places;
}
