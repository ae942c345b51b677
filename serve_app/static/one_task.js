// Shared by the task list and a task's own page: its name, its progress, cancel and delete.

import { get, post, remove } from "./api.js";
import { ask, failed } from "./notes.js";
import { tasks } from "./tasks_state.js";
import { duration, number, t } from "./words.js";

export const nameOf = (task) => task.description || task.task_id;

// `place` is the task's position in the queue.
export function progressText(task, place) {
  const parts = [`${number(task.progress, 0)} %`];
  if (task.total_epochs && task.current_epoch) parts.push(t("tasks.epoch", { epoch: task.current_epoch, epochs: task.total_epochs }));
  if (task.eta_seconds !== null) parts.push(t("tasks.left", { time: duration(task.eta_seconds) }));
  if (place) parts.push(t("tasks.position", { n: number(place) }));
  return parts.join(" · ");
}

// The device, or where each of several workers is.
export const devicesText = (task) => task.workers?.length
  ? t("tasks.workers", { n: number(task.workers.length), places: task.workers.map((one) => `${one.device} @ ${one.node}`).join(", ") })
  : task.device;

export const warningsText = (task) => t(task.warnings === 1 ? "tasks.warning" : "tasks.warnings", { n: number(task.warnings) });

export async function cancelTask(task) {
  if (!(await ask(t("tasks.cancelAsk", { id: nameOf(task) })))) return;
  try {
    await post(`/api/v2/tasks/${task.task_id}/cancel`);
    tasks.put(await get(`/api/v2/tasks/${task.task_id}`));
  } catch (error) {
    failed(error);
  }
}

export async function deleteTask(task) {
  if (!(await ask(t("tasks.deleteAsk", { id: nameOf(task) })))) return;
  try {
    await remove(`/api/v2/tasks/${task.task_id}`);
    tasks.drop(task.task_id);
  } catch (error) {
    failed(error);
  }
}
