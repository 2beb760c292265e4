//! Edits of an encyclopedia, each message with the four fields that the pipeline keeps of Wikimedia's `recentchange`
//! stream, and the moment at which the warehouse took it in.

use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::json;

use crate::lake::{self, Lake, Loads, MINUTE, SECOND};
use crate::random::Random;

const TOPIC: &[&str] = &["History", "Geography", "Economy", "Culture", "List of rivers", "List of bridges", "Flora"];
const PLACE: &[&str] =
    &["Iceland", "Lower Saxony", "Ghana", "the Azores", "Kerala", "Patagonia", "Hokkaido", "Tasmania", "Bohemia"];
const ADJECTIVE: &[&str] = &["Quiet", "Curious", "Northern", "Patient", "Amber", "Wandering", "Second", "Tidy"];
const NOUN: &[&str] = &["Kestrel", "Librarian", "Lighthouse", "Mapmaker", "Otter", "Comma", "Archive", "Footnote"];
const BOTS: &[&str] = &["LinkRepairBot", "CategoryBot", "SpellingBot"];

/// A second or a minute goes by between two edits, but many share their second.
const GAP: i64 = 160;

/// The messages, in the files of the loads that bring them: `wiki_changes/ingestion_date=YYYY-MM-DD/load-NNNNN.jsonl`.
pub(crate) fn events(seed: u64, count: u32, loads: &Loads) -> Lake {
    let mut random = Random::new(seed, 0);
    let mut way = Random::new(!seed, 0);
    let mut lake = Lake::default();
    let mut now = loads.from;
    for number in 0..count {
        if !random.chance(200) {
            now += random.between(1, GAP) * SECOND;
        }
        let id = 1_700_000_000 + u64::from(number);
        let user = user(&mut random);
        let title = title(&mut random);
        for delivery in lake::deliveries(&mut way, now) {
            let Some(load) = loads.at(delivery.arrived) else { continue };
            let (Ok(happened), Ok(ingested)) =
                (Timestamp::from_millisecond(now), Timestamp::from_millisecond(delivery.arrived / SECOND * SECOND))
            else {
                continue;
            };
            let message = json!({
                "id": id,
                "user": user,
                "title": title,
                "timestamp": happened.to_string(),
                "ingested_at": ingested.to_string(),
            });
            let file = format!("wiki_changes/ingestion_date={}/load-{load:05}.jsonl", ingested.strftime("%Y-%m-%d"));
            lake.add(PathBuf::from(file), &delivery, message.to_string());
        }
        // Now and then everybody sleeps.
        if random.chance(2) {
            now += random.between(20, 90) * MINUTE;
        }
    }
    lake
}

/// Who makes the edit; none where the name has been hidden from the public.
fn user(random: &mut Random) -> Option<String> {
    match random.below(1000) {
        0..6 => None,
        6..250 => Some((*random.pick_famous(BOTS)).to_owned()),
        250..400 => Some(format!("203.0.113.{}", random.between(1, 40))),
        _ => Some(format!("{} {}", random.pick_famous(ADJECTIVE), random.pick_famous(NOUN))),
    }
}

fn title(random: &mut Random) -> String {
    let title =
        format!("{} of {}", random.pick_famous(TOPIC), random.pick_famous(PLACE)).replace("rivers of", "rivers in");
    if random.chance(150) { format!("Talk:{title}") } else { title }
}
