//! How a screener was judged: ROC curve and calibration.

use maud::{Markup, html};

use super::{CALM, FAINT, Scale, WARM, canvas, polyline, px, text};

const SIZE: f64 = 300.0;
const EDGE: (f64, f64) = (40.0, 290.0);

/// Frame, ticks and titles of a unit square.
fn unit_square(x_title: &str, y_title: &str, body: &Markup, label: &str) -> Markup {
    let (x, y) = scales();
    let body = html! {
        @for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
            line x1=(px(x.at(tick))) x2=(px(x.at(tick))) y1=(px(y.at(0.0))) y2=(px(y.at(1.0))) stroke=(FAINT) {}
            line x1=(px(x.at(0.0))) x2=(px(x.at(1.0))) y1=(px(y.at(tick))) y2=(px(y.at(tick))) stroke=(FAINT) {}
            (text(x.at(tick), y.at(0.0) + 15.0, "tick", "middle", &format!("{tick}")))
            (text(x.at(0.0) - 5.0, y.at(tick) + 4.0, "tick", "end", &format!("{tick}")))
        }
        path d=(polyline([Some((x.at(0.0), y.at(0.0))), Some((x.at(1.0), y.at(1.0)))].into_iter()))
            stroke=(FAINT) stroke-width="1.5" stroke-dasharray="4 4" {}
        (body)
        (text((EDGE.0 + EDGE.1) / 2.0, SIZE - 2.0, "tick", "middle", x_title))
        text transform=(format!("translate(11 {}) rotate(-90)", px((EDGE.0 + EDGE.1) / 2.0 - 20.0)))
            class="tick" text-anchor="middle" { (y_title) }
    };
    canvas(SIZE, SIZE, label, &body)
}

fn scales() -> (Scale, Scale) {
    (Scale::linear((0.0, 1.0), EDGE), Scale::linear((0.0, 1.0), (SIZE - 38.0, 12.0)))
}

/// One point of a ROC curve: false-positive rate, and sensitivity with its interval.
pub(crate) struct RocPoint {
    pub(crate) fpr: f64,
    pub(crate) tpr: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// Draws a ROC curve with its band.
pub(crate) fn roc(points: &[RocPoint], auc: &str) -> Markup {
    let (x, y) = scales();
    let upper = points.iter().map(|point| Some((x.at(point.fpr), y.at(point.high))));
    let lower = points.iter().rev().map(|point| Some((x.at(point.fpr), y.at(point.low))));
    let line = points.iter().map(|point| Some((x.at(point.fpr), y.at(point.tpr))));
    let body = html! {
        path d=(polyline(upper.chain(lower)) + "Z") fill="#cfe5df" opacity="0.8" {}
        path d=(polyline(line)) fill="none" stroke=(CALM) stroke-width="2.2" stroke-linejoin="round" {}
        (text(x.at(0.97), y.at(0.06), "big", "end", auc))
    };
    unit_square("1 − specificity", "sensitivity", &body, &format!("ROC curve, {auc}"))
}

/// One bin of a calibration plot: mean predicted probability, observed share, and people in it.
pub(crate) struct CalibrationBin {
    pub(crate) predicted: f64,
    pub(crate) observed: f64,
    pub(crate) people: f64,
}

/// Draws observed share against predicted probability; the area of a dot is the number of people.
pub(crate) fn calibration(bins: &[CalibrationBin]) -> Markup {
    let (x, y) = scales();
    let most = bins.iter().map(|bin| bin.people).fold(1.0, f64::max);
    let line = bins.iter().map(|bin| Some((x.at(bin.predicted), y.at(bin.observed))));
    let body = html! {
        path d=(polyline(line)) fill="none" stroke=(WARM) stroke-width="1.6" {}
        @for bin in bins {
            circle cx=(px(x.at(bin.predicted))) cy=(px(y.at(bin.observed))) r=(px(2.0 + 7.0 * (bin.people / most).sqrt()))
                fill=(WARM) stroke="white" {}
        }
    };
    let label = format!("calibration in {} bins", bins.len());
    unit_square("predicted probability", "observed share", &body, &label)
}
