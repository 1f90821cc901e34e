//! Where the answers of a step lie: time from left to right, response time upwards, the darker the larger the share.

use super::buckets::Bucket;
use super::panel::Panel;
use super::scale::{self, BOTTOM, Scale, TOP};
use super::timeline::Axis;
use crate::evidence::micros_to_ms;

/// Rows of cells; with the stretches of the axis this bounds a drawing, whatever the run held.
const ROWS: usize = 30;
/// From which share of a stretch's samples a cell has which class.
const SHADES: &[(f64, &str)] = &[(0.35, "h5"), (0.15, "h4"), (0.05, "h3"), (0.01, "h2"), (0.0, "h1")];
/// What the shades stand for.
const LEGEND: &str = "share of a stretch: under 1 %, from 1 %, 5 %, 15 %, 35 %";

/// Draws the cells of all stretches, one path per shade.
pub(super) fn cells(panel: &mut Panel, buckets: &[Bucket], axis: &Axis, y: &Scale, height: f64) {
    let row_height = (height - BOTTOM - TOP) / ROWS_F;
    let columns: Vec<[Option<usize>; ROWS]> =
        buckets.iter().map(|bucket| shades(bucket, |ms| row_of(y.place(ms), row_height))).collect();
    let mut paths = vec![String::new(); SHADES.len()];
    for row in 0..ROWS {
        let mut at = 0;
        while at < columns.len() {
            let shade = columns[at][row];
            // Neighbours of one shade are one cell of the drawing.
            let joined = |next: usize| columns[next][row] == shade && buckets[next].from_s == buckets[next - 1].to_s;
            let end = (at + 1..columns.len()).find(|next| !joined(*next)).unwrap_or(columns.len());
            if let Some(shade) = shade {
                let (left, right) =
                    (axis.x.place(buckets[at].from_s.into()), axis.x.place(buckets[end - 1].to_s.into()));
                paths[shade] += &cell((left, right), row, row_height);
            }
            at = end;
        }
    }
    for ((_, class), path) in SHADES.iter().zip(paths) {
        panel.shape(class, path);
    }
    panel.key("heat", LEGEND);
}

const ROWS_F: f64 = 30.0;

/// The row that a place belongs to, from the top.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a drawing is a few hundred units high")]
fn row_of(place: f64, row_height: f64) -> usize {
    (((place - TOP) / row_height).max(0.0) as usize).min(ROWS - 1)
}

/// The shade of every row of one stretch; `None` where no sample lies.
fn shades(bucket: &Bucket, row_of: impl Fn(f64) -> usize) -> [Option<usize>; ROWS] {
    let mut counts = [0_u64; ROWS];
    for value in bucket.response.iter_recorded() {
        counts[row_of(micros_to_ms(value.value_iterated_to()))] += value.count_since_last_iteration();
    }
    counts.map(|count| (count > 0).then(|| shade(count, bucket.due)))
}

#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
fn shade(count: u64, due: u64) -> usize {
    let share = count as f64 / due.max(1) as f64;
    SHADES.iter().position(|(from, _)| share >= *from).unwrap_or(SHADES.len() - 1)
}

fn cell((left, right): (f64, f64), row: usize, row_height: f64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a few dozen rows")]
    let top = TOP + row as f64 * row_height;
    let width = scale::px((right - left).max(0.5));
    format!("M{} {}h{width}v{}h-{width}z", scale::px(left), scale::px(top), scale::px(row_height))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(samples_ms: &[(u64, u64)]) -> Bucket {
        let mut bucket = Bucket::empty(0, 1);
        for (ms, count) in samples_ms {
            bucket.response.record_n(ms * 1000, *count).unwrap();
            bucket.due += count;
        }
        bucket
    }

    #[test]
    fn a_cell_is_shaded_by_its_share_of_what_was_due() {
        let y = Scale::up_log(1.0, 1000.0, 202.0);
        let row_height = (202.0 - BOTTOM - TOP) / ROWS_F;
        let bucket = bucket(&[(10, 60), (100, 39), (1000, 1)]);
        let shades = shades(&bucket, |ms| row_of(y.place(ms), row_height));
        let drawn: Vec<(usize, &str)> =
            shades.iter().enumerate().filter_map(|(row, shade)| Some((row, SHADES[(*shade)?].1))).collect();
        assert_eq!(drawn, [(0, "h2"), (9, "h5"), (19, "h5")]);
    }

    #[test]
    fn what_was_never_answered_makes_the_others_paler() {
        let classes = [shade(40, 100), shade(40, 400), shade(1, 400)].map(|shade| SHADES[shade].1);
        assert_eq!(classes, ["h5", "h3", "h1"]);
    }
}
