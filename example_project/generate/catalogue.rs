//! The songs, with the flaws that every music catalogue has: a title twice, an artist id with two names, a name with
//! two ids and two home towns.

use std::io;
use std::path::Path;

use crate::lake::write_whole;
use crate::places::{PLACES, STATES};
use crate::random::Random;

/// A row of the reference table.
pub(crate) struct Song {
    pub(crate) artist_id: String,
    pub(crate) artist: String,
    pub(crate) id: String,
    pub(crate) title: String,
    /// In milliseconds.
    pub(crate) length: i64,
    place: usize,
    key: i64,
    tempo: i64,
    loudness: i64,
    /// 0 where nobody knows it.
    year: i64,
}

const FIRST: &[&str] =
    &["Velvet", "Copper", "Paper", "Midnight", "Quiet", "Electric", "Winter", "Golden", "Hollow", "Slow", "Little"];
const SECOND: &[&str] = &[
    "Lanterns",
    "Foxes",
    "Harbor",
    "Orchard",
    "Satellites",
    "Rivers",
    "Parade",
    "Machines",
    "Pilots",
    "Sparrows",
    "Telegraph",
];
const MOOD: &[&str] = &[
    "Leaving",
    "Counting",
    "Somewhere Past",
    "Letters From",
    "Dancing In",
    "Back To",
    "Waiting For",
    "No More",
    "Half Of",
    "Under",
];
const OBJECT: &[&str] = &[
    "the Rain",
    "Morning",
    "Yesterday's Train",
    "Saltwater",
    "Tomorrow",
    "the Last Light",
    "Home",
    "Cedar Street",
    "Gravity",
    "the Static",
    "August",
    "Ghosts",
];

/// The catalogue, the most famous songs first. It is the same for every seed.
pub(crate) fn songs() -> Vec<Song> {
    let mut random = Random::new(0x50_4E_47_53, 0);
    let mut songs: Vec<Song> = Vec::new();
    for number in 0..48_u64 {
        let artist = format!("{} {}", random.pick(FIRST), random.pick(SECOND));
        let artist_id = format!("AR{:06X}", 0x00A1_0000 + number * 7);
        let place = usize::try_from(random.below(PLACES.len() as u64)).unwrap_or_default();
        for _ in 0..random.between(2, 7) {
            let title = format!("{} {}", random.pick(MOOD), random.pick(OBJECT));
            let song = Song {
                artist_id: artist_id.clone(),
                // One id, two names: the artist has a guest on some songs.
                artist: if number % 6 == 5 && random.chance(400) {
                    format!("{artist} feat. {} {}", random.pick(FIRST), random.pick(SECOND))
                } else {
                    artist.clone()
                },
                id: String::new(),
                title,
                length: random.between(95_000, 420_000),
                place,
                key: random.between(0, 11),
                tempo: random.between(62_000, 184_000),
                loudness: random.between(-21_000, -3_000),
                year: if random.chance(350) { 0 } else { random.between(1968, 2023) },
            };
            // One (artist, title), two songs: the single and the live recording.
            if random.chance(60) {
                let live = Song {
                    artist_id: song.artist_id.clone(),
                    artist: song.artist.clone(),
                    id: String::new(),
                    title: song.title.clone(),
                    length: song.length + random.between(9_000, 90_000),
                    year: 0,
                    ..song
                };
                songs.push(live);
            }
            songs.push(song);
        }
    }
    // Fame has nothing to do with the alphabet.
    for last in (1..songs.len()).rev() {
        songs.swap(last, usize::try_from(random.below(last as u64 + 1)).unwrap_or_default());
    }
    for (number, song) in songs.iter_mut().enumerate() {
        song.id = format!("SO{:06X}", 0x00B2_0000 + number * 13);
    }
    songs
}

/// Writes the two reference tables.
pub(crate) fn write(out: &Path) -> io::Result<()> {
    let header = "artist_id,artist_name,artist_location,artist_latitude,artist_longitude,song_id,title,duration,key,tempo,\
                  loudness,year";
    let mut lines = vec![header.to_owned()];
    lines.extend(songs().iter().map(|song| {
        let home = &PLACES[song.place];
        format!(
            "{},{},\"{}, {}\",{},{},{},{},{},{},{},{},{}",
            song.artist_id,
            song.artist,
            home.city,
            home.state,
            home.latitude,
            home.longitude,
            song.id,
            song.title,
            thousandths(song.length),
            song.key,
            thousandths(song.tempo),
            thousandths(song.loudness),
            song.year,
        )
    }));
    write_whole(&out.join("reference/songs.csv"), &(lines.join("\n") + "\n"))?;

    let mut lines = vec!["stateCode,stateName".to_owned()];
    lines.extend(STATES.iter().map(|(code, name)| format!("{code},{name}")));
    write_whole(&out.join("reference/state_codes.csv"), &(lines.join("\n") + "\n"))
}

/// `238393` as `238.393`.
fn thousandths(number: i64) -> String {
    format!("{}{}.{:03}", if number < 0 { "-" } else { "" }, number.abs() / 1000, number.abs() % 1000)
}
