//! How many messages a customer had, step by step: what charts of an hour, a day and a month show.
//!
//! Pure and bounded: three rings for each customer that had messages. `relay/series.rs` writes them down once a minute; what
//! happened to each message is the history's matter.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::message::Timestamp;

/// What a chart shows of one step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// Accepted.
    pub mo: u64,
    pub mt: u64,
    /// MTs that arrived.
    pub delivered: u64,
    /// Undeliverable and expired ones of both directions.
    pub failed: u64,
    /// Those of both directions that the firewall did not let pass.
    pub refused: u64,
}

impl Point {
    fn since(self, before: Point) -> Point {
        Point {
            mo: self.mo.saturating_sub(before.mo),
            mt: self.mt.saturating_sub(before.mt),
            delivered: self.delivered.saturating_sub(before.delivered),
            failed: self.failed.saturating_sub(before.failed),
            refused: self.refused.saturating_sub(before.refused),
        }
    }
}

impl std::ops::AddAssign for Point {
    fn add_assign(&mut self, more: Point) {
        self.mo += more.mo;
        self.mt += more.mt;
        self.delivered += more.delivered;
        self.failed += more.failed;
        self.refused += more.refused;
    }
}

/// How far back a chart goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    Hour,
    Day,
    Month,
}

impl Span {
    pub const ALL: [Span; 3] = [Span::Hour, Span::Day, Span::Month];

    /// As fine as a screen shows: some hundred steps.
    pub fn step_ms(self) -> u64 {
        match self {
            Span::Hour => 10_000,
            Span::Day => 15 * 60_000,
            Span::Month => 6 * 3_600_000,
        }
    }

    pub fn steps(self) -> usize {
        match self {
            Span::Hour => 360,
            Span::Day => 96,
            Span::Month => 124,
        }
    }
}

/// The last steps of one span, the newest last.
#[derive(Debug, Default)]
struct Ring {
    /// Which step, counted from 1970, the newest point is of.
    newest: u64,
    points: VecDeque<Point>,
}

impl Ring {
    fn kept(&self) -> KeptRing {
        let some = self.points.iter().rev().zip(0..).filter(|(point, _)| **point != Point::default());
        KeptRing { newest: self.newest, points: some.map(|(point, age)| (age, *point)).collect() }
    }

    fn of(kept: &KeptRing, span: Span) -> Ring {
        let length = kept.points.iter().map(|(age, _)| usize::from(*age) + 1).max().unwrap_or(0).min(span.steps());
        let mut points = VecDeque::from(vec![Point::default(); length]);
        for (age, point) in &kept.points {
            if let Some(place) = length.checked_sub(usize::from(*age) + 1).and_then(|at| points.get_mut(at)) {
                *place = *point;
            }
        }
        Ring { newest: kept.newest, points }
    }

    fn advance(&mut self, span: Span, now: Timestamp) {
        let step = now.0 / span.step_ms();
        if self.points.is_empty() {
            self.newest = step;
            self.points.push_back(Point::default());
        }
        // A clock that was set back adds to the newest step.
        for _ in 0..step.saturating_sub(self.newest).min(span.steps() as u64) {
            self.points.push_back(Point::default());
        }
        self.newest = self.newest.max(step);
        while self.points.len() > span.steps() {
            self.points.pop_front();
        }
    }
}

/// A ring as it is written down: its steps with something in them, by how many steps they are behind the newest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct KeptRing {
    newest: u64,
    points: Vec<(u16, Point)>,
}

/// A series as it is written down.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptSeries([KeptRing; Span::ALL.len()]);

/// Of one customer.
#[derive(Debug, Default)]
pub struct Series {
    /// What had been counted since the start of the server.
    total: Point,
    /// By [`Span`]; none before the first message.
    rings: Option<Box<[Ring; Span::ALL.len()]>>,
    /// It is not written down as it is.
    is_changed: bool,
}

impl Series {
    /// `total` is what was counted since the start of the server.
    pub fn count(&mut self, total: Point, now: Timestamp) {
        let more = total.since(self.total);
        self.total = total;
        if more == Point::default() {
            return;
        }
        self.is_changed = true;
        let rings = self.rings.get_or_insert_with(Box::default);
        for (ring, span) in rings.iter_mut().zip(Span::ALL) {
            ring.advance(span, now);
            if let Some(newest) = ring.points.back_mut() {
                *newest += more;
            }
        }
    }

    /// As it is to be written down, if it has changed since the last time.
    pub fn changed(&mut self) -> Option<KeptSeries> {
        let rings = self.rings.as_ref().filter(|_| std::mem::take(&mut self.is_changed))?;
        Some(KeptSeries(std::array::from_fn(|span| rings[span].kept())))
    }

    /// Goes on from what was written down.
    pub fn restore(&mut self, kept: &KeptSeries) {
        let rings = Span::ALL.map(|span| Ring::of(&kept.0[span as usize], span));
        self.rings = Some(Box::new(rings));
    }

    /// Every step of the span up to the present one, the oldest first, and when the first one begins.
    pub fn read(&self, span: Span, now: Timestamp) -> (Timestamp, Vec<Point>) {
        let (step, steps) = (now.0 / span.step_ms(), span.steps());
        let first = (step + 1).saturating_sub(steps as u64);
        let mut points = vec![Point::default(); steps];
        if let Some(rings) = &self.rings {
            let ring = &rings[span as usize];
            for (age, point) in ring.points.iter().rev().enumerate() {
                let of = ring.newest.saturating_sub(age as u64);
                if let Some(place) = of.checked_sub(first).and_then(|at| points.get_mut(at as usize)) {
                    *place = *point;
                }
            }
        }
        (Timestamp(first * span.step_ms()), points)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: u64 = 1_796_040_000_000;

    fn point(mo: u64) -> Point {
        Point { mo, ..Point::default() }
    }

    #[test]
    fn what_was_counted_stands_in_the_step_in_which_it_happened() {
        let mut series = Series::default();
        series.count(point(3), Timestamp(NOON));
        series.count(point(5), Timestamp(NOON + 9_000));
        series.count(point(6), Timestamp(NOON + 30_000));
        let (from, points) = series.read(Span::Hour, Timestamp(NOON + 30_000));
        assert_eq!(from, Timestamp(NOON + 40_000 - 3_600_000));
        let last: Vec<u64> = points[356..].iter().map(|point| point.mo).collect();
        assert_eq!((points.len(), last), (360, vec![5, 0, 0, 1]));
        assert_eq!(series.read(Span::Day, Timestamp(NOON + 30_000)).1[95].mo, 6);
        assert_eq!(series.read(Span::Month, Timestamp(NOON + 30_000)).1[123].mo, 6);
    }

    #[test]
    fn what_is_older_than_the_span_is_gone_however_long_nothing_happened() {
        let mut series = Series::default();
        series.count(point(3), Timestamp(NOON));
        let later = Timestamp(NOON + 3_600_000);
        assert_eq!(series.read(Span::Hour, later).1, vec![Point::default(); 360]);
        assert_eq!(series.read(Span::Day, later).1.iter().map(|point| point.mo).sum::<u64>(), 3);
        series.count(point(4), Timestamp(NOON + 90 * 86_400_000));
        let (_, points) = series.read(Span::Month, Timestamp(NOON + 90 * 86_400_000));
        assert_eq!(points.iter().map(|point| point.mo).sum::<u64>(), 1);
    }

    #[test]
    fn a_clock_that_is_set_back_loses_nothing() {
        let mut series = Series::default();
        series.count(point(1), Timestamp(NOON));
        series.count(point(3), Timestamp(NOON - 60_000));
        assert_eq!(series.read(Span::Hour, Timestamp(NOON)).1[359].mo, 3);
    }

    #[test]
    fn what_was_written_down_goes_on_as_if_nothing_had_been() {
        let (mut series, mut same) = (Series::default(), Series::default());
        for (at, mo) in [(0, 1), (20_000, 4), (20_001, 5), (7_200_000, 9)] {
            series.count(point(mo), Timestamp(NOON + at));
        }
        let kept = series.changed().expect("it changed");
        assert_eq!(series.changed(), None, "nothing since");
        same.restore(&kept);
        assert_eq!(same.changed(), None);
        for span in Span::ALL {
            let now = Timestamp(NOON + 7_201_000);
            assert_eq!(same.read(span, now), series.read(span, now), "{span:?}");
        }
        // Counts begin anew with a start, and steps go on.
        same.count(point(2), Timestamp(NOON + 7_200_500));
        let points = same.read(Span::Hour, Timestamp(NOON + 7_200_500)).1;
        assert_eq!(points.last(), Some(&point(6)));
        assert!(same.changed().is_some());
    }
}
