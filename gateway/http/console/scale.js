// Which stretch of a call is drawn, and where on the drawing a time stands. Pure.

/** A stretch of a call of `length` samples over `width` pixels; `span` samples, null for all. */
export class Scale {
  constructor({ length, width, span = null, centre = 0 }) {
    this.width = Math.max(1, width);
    this.span = Math.max(1, Math.min(span ?? length, length));
    const most = Math.max(0, length - this.span);
    this.from = Math.min(most, Math.max(0, Math.round(centre - this.span / 2)));
    this.to = this.from + this.span;
  }

  /** Pixel of a time; outside the drawing for a time outside the stretch. */
  x(at) {
    return ((at - this.from) / this.span) * this.width;
  }

  /** Time at a pixel. */
  at(x) {
    return Math.round(this.from + (x / this.width) * this.span);
  }

  shows({ start, end }) {
    return end >= this.from && start <= this.to;
  }

  /** Times for a ruler: round ones, `apart` pixels apart at least. */
  ticks(apart) {
    const least = (apart / this.width) * this.span;
    const step = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600]
      .map((seconds) => seconds * 16000).find((one) => one >= least) ?? Math.ceil(least);
    const found = [];
    for (let at = Math.ceil(this.from / step) * step; at <= this.to; at += step) found.push(at);
    return found;
  }
}
