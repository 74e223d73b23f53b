//! Effects: nothing goes out that no admitted entry stands for, and one key has one answer.

use model::request::{Answer, RefusalKind};

use super::model::Model;
use crate::history::{History, What};

/// Checks all effects.
pub fn check(model: &Model, history: &History, out: &mut Vec<String>) {
    for effect in &history.effects {
        let at = effect.at;
        match &effect.what {
            What::Start(lease) => {
                let granted = model.leases.get(lease).map(|l| l.granted);
                if granted.is_none_or(|granted| granted > at) {
                    out.push(format!("P3: a start of {lease} goes out at {at}, granted {granted:?}"));
                }
            }
            What::Cancel(lease) => {
                let asked = model.leases.get(lease).and_then(|l| l.cancel);
                if asked.is_none_or(|asked| asked > at) {
                    out.push(format!("P3: a cancel of {lease} goes out at {at}, asked {asked:?}"));
                }
            }
            What::Renew { node, stop, .. } => {
                for lease in stop {
                    let Some(known) = model.leases.get(lease) else {
                        out.push(format!("P3: {node} shall stop {lease}, which no entry knows"));
                        continue;
                    };
                    let since = known.void.into_iter().chain(known.cancel).min();
                    if since.is_none_or(|since| since > at) {
                        out.push(format!("P3: {node} shall stop {lease} at {at}, which is current until {since:?}"));
                    }
                }
            }
            What::Answer(key, answer) => {
                let given = model.answers.get(key);
                if !given.is_some_and(|all| all.iter().any(|g| g.visible <= at && g.answer == *answer)) {
                    out.push(format!("P7: {key} is answered {answer:?} at {at}, which no admitted entry says"));
                }
            }
        }
    }
    alike(model, out);
    out.truncate(40);
}

/// The answers of one key and content are alike, but for those that only say "later" or "no more with this key".
fn alike(model: &Model, out: &mut Vec<String>) {
    let passing = |answer: &Answer| matches!(answer, Answer::Refused { refusal: RefusalKind::TooMany, .. });
    for (key, given) in &model.answers {
        let mut kept = given.iter().filter(|g| !passing(&g.answer));
        let Some(first) = kept.next() else { continue };
        if let Some(other) = kept.find(|g| g.content == first.content && g.answer != first.answer) {
            out.push(format!("answers: {key} got {:?} and then {:?}", first.answer, other.answer));
        }
    }
}
