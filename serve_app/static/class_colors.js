// A colour for each class, by the order of the names, so that a class has one colour in all recordings of a task.
// page.css has the colours: Paul Tol's "light" scheme, which colour-blind people tell apart, on a dark ground.
// https://personal.sron.nl/~pault/ Names stand beside the colours: with more classes than colours, colours repeat.

const COLORS = 8;

// Returns a function from a class name to a class of page.css.
export function classColors(names) {
  const places = new Map([...names].sort().map((name, index) => [name, index]));
  return (name) => `class-${(places.get(name) ?? 0) % COLORS}`;
}
