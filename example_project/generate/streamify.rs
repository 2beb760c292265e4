//! A music service: its users come back now and then, listen, change their plan, and leave; each thing they do is an
//! event of one or two topics.

use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::catalogue::{self, Song};
use crate::lake::{self, DAY, Delivery, HOUR, Lake, Loads, MINUTE, SECOND};
use crate::places::{PLACES, Place};
use crate::random::Random;

const FIRST_NAMES: &[(&str, &str)] = &[
    ("Noelle", "F"),
    ("Amara", "F"),
    ("Ines", "F"),
    ("Yuki", "F"),
    ("Freya", "F"),
    ("Zoe", "F"),
    ("Leila", "F"),
    ("Rosa", "F"),
    ("Mateo", "M"),
    ("Elias", "M"),
    ("Kofi", "M"),
    ("Jonas", "M"),
    ("Ravi", "M"),
    ("Liam", "M"),
    ("Diego", "M"),
    ("Tomasz", "M"),
];

const LAST_NAMES: &[&str] = &[
    "Perez",
    "Okafor",
    "Lindqvist",
    "Tanaka",
    "O'Brien",
    "Novak",
    "Silva",
    "Haddad",
    "Meyer",
    "Costa",
    "Nguyen",
    "Reed",
];

const BROWSERS: &[&str] = &[
    "\"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_4) AppleWebKit/537.78.2 (KHTML, like Gecko) Version/7.0.6 Safari/537.78.2\"",
    "Mozilla/5.0 (Windows NT 6.1; WOW64; rv:31.0) Gecko/20100101 Firefox/31.0",
    "\"Mozilla/5.0 (iPhone; CPU iPhone OS 7_1_2 like Mac OS X) AppleWebKit/537.51.2 (KHTML, like Gecko) Mobile/11D257\"",
];

#[derive(Clone, Copy, PartialEq)]
enum Topic {
    Listen,
    PageView,
    Auth,
}

impl Topic {
    fn folder(self) -> &'static str {
        match self {
            Self::Listen => "listen_events",
            Self::PageView => "page_view_events",
            Self::Auth => "auth_events",
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Level {
    Free,
    Paid,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Paid => "paid",
        }
    }
}

/// Someone with an account.
struct User {
    id: u32,
    first_name: &'static str,
    last_name: &'static str,
    gender: &'static str,
    registration: i64,
    place: &'static Place,
    browser: &'static str,
    level: Level,
    /// Hours between two visits, about.
    pause: i64,
}

impl User {
    fn new(id: u32, start: i64, random: &mut Random) -> Self {
        let (first_name, gender) = random.pick(FIRST_NAMES);
        Self {
            id,
            first_name,
            last_name: random.pick(LAST_NAMES),
            gender,
            registration: start - random.between(DAY, 900 * DAY) / SECOND * SECOND,
            place: random.pick_famous(PLACES),
            browser: random.pick(BROWSERS),
            level: if random.chance(250) { Level::Paid } else { Level::Free },
            pause: random.between(9, 60),
        }
    }

    /// Changes the plan more often than others do, even twice on one day.
    fn is_undecided(&self) -> bool {
        self.id % 8 == 2
    }
}

/// What a user does between coming and going.
struct Session<'a> {
    user: &'a mut User,
    random: &'a mut Random,
    songs: &'a [Song],
    id: u64,
    item: u32,
    now: i64,
    logged_in: bool,
    /// The moment, the topic, and the columns of each event.
    events: Vec<(i64, Topic, Map<String, Value>)>,
}

impl Session<'_> {
    /// Plays the session; false when the user has cancelled the account.
    fn play(&mut self) -> bool {
        if self.random.chance(350) {
            self.log_in();
        } else {
            self.logged_in = true;
        }
        self.page("Home", "GET", 200);
        let songs = if self.random.chance(150) { 0 } else { self.random.between(2, 12) };
        for _ in 0..songs {
            self.listen();
            match self.random.below(1000) {
                0..60 => self.page("Thumbs Up", "PUT", 307),
                60..90 => self.page("Add to Playlist", "PUT", 200),
                90..110 => self.page("Settings", "GET", 200),
                110..120 => self.page("Error", "GET", 404),
                120..127 if self.user.level == Level::Free => self.change_level(),
                120..123 => self.change_level(),
                135..200 if self.user.is_undecided() => self.change_level(),
                _ => {}
            }
        }
        if self.random.chance(8) {
            self.page("Cancel", "PUT", 307);
            self.page("Cancellation Confirmation", "GET", 200);
            return false;
        }
        if self.random.chance(200) {
            self.page("Logout", "PUT", 307);
            self.logged_in = false;
            self.page("Home", "GET", 200);
        }
        true
    }

    fn log_in(&mut self) {
        self.page("Home", "GET", 200);
        self.page("Login", "PUT", 307);
        if self.random.chance(120) {
            self.auth(false);
            self.wait(5, 40);
            self.page("Login", "PUT", 307);
        }
        self.logged_in = true;
        self.auth(true);
    }

    /// The plan changes at once: the page after the click may well show in the same millisecond.
    fn change_level(&mut self) {
        let (offer, confirmation, level) = match self.user.level {
            Level::Free => ("Upgrade", "Submit Upgrade", Level::Paid),
            Level::Paid => ("Downgrade", "Submit Downgrade", Level::Free),
        };
        self.page(offer, "GET", 200);
        self.page(confirmation, "PUT", 307);
        self.user.level = level;
        if self.random.chance(500) {
            self.wait(1, 10);
        }
        self.view("Home", "GET", 200);
    }

    fn listen(&mut self) {
        let mut song = Map::new();
        let mut length = self.random.between(120, 300) * SECOND;
        if self.random.chance(990) {
            let heard = self.random.pick_famous(self.songs);
            length = heard.length;
            // What is too new to be in the catalogue is heard nevertheless.
            let title = if self.random.chance(20) { format!("{} (Demo)", heard.title) } else { heard.title.clone() };
            song.insert("artist".to_owned(), json!(heard.artist));
            song.insert("song".to_owned(), json!(title));
        }
        song.insert("duration".to_owned(), json!(seconds(length)));

        let mut listen = self.columns();
        listen.extend(song.clone());
        let mut view = self.columns();
        view.extend([
            ("page".to_owned(), json!("NextSong")),
            ("method".to_owned(), json!("PUT")),
            ("status".to_owned(), json!(200)),
        ]);
        view.extend(song);
        self.events.push((self.now, Topic::Listen, listen));
        self.events.push((self.now, Topic::PageView, view));
        self.item += 1;
        // One in six is skipped before its end.
        self.now +=
            if self.random.chance(160) { self.random.between(5, 60) * SECOND } else { length / SECOND * SECOND };
    }

    fn page(&mut self, page: &str, method: &str, status: u16) {
        self.wait(1, 25);
        self.view(page, method, status);
    }

    fn view(&mut self, page: &str, method: &str, status: u16) {
        let mut columns = self.columns();
        columns.extend([
            ("page".to_owned(), json!(page)),
            ("method".to_owned(), json!(method)),
            ("status".to_owned(), json!(status)),
        ]);
        self.events.push((self.now, Topic::PageView, columns));
        self.item += 1;
    }

    /// In the same moment as the page view before it.
    fn auth(&mut self, success: bool) {
        let mut columns = self.columns();
        columns.insert("success".to_owned(), json!(success));
        self.events.push((self.now, Topic::Auth, columns));
        self.item += 1;
    }

    fn wait(&mut self, low: i64, high: i64) {
        self.now += self.random.between(low, high) * SECOND;
    }

    /// What every event says; about the user only after the login.
    fn columns(&mut self) -> Map<String, Value> {
        let mut columns = Map::new();
        let mut set = |name: &str, value: Value| columns.insert(name.to_owned(), value);
        let place = self.user.place;
        set("ts", json!(self.now));
        set("sessionId", json!(self.id));
        set("itemInSession", json!(self.item));
        set("auth", json!(if self.logged_in { "Logged In" } else { "Logged Out" }));
        set("level", json!(self.user.level.name()));
        set("city", json!(place.city));
        set("zip", json!(place.zip));
        set("state", json!(place.state));
        set("userAgent", json!(self.user.browser));
        if !self.random.chance(15) {
            set("lon", json!(place.longitude));
            set("lat", json!(place.latitude));
        }
        if self.logged_in {
            set("userId", json!(self.user.id));
            set("lastName", json!(self.user.last_name));
            set("firstName", json!(self.user.first_name));
            if !self.random.chance(20) {
                set("gender", json!(self.user.gender));
            }
            set("registration", json!(self.user.registration));
        }
        columns
    }
}

/// The events of all users, in the files of the loads that bring them.
pub(crate) fn events(seed: u64, users: u32, days: u32, loads: &Loads) -> Lake {
    let songs = catalogue::songs();
    let mut lake = Lake::default();
    for id in 1..=users {
        let mut random = Random::new(seed, u64::from(id));
        let mut way = Random::new(!seed, u64::from(id));
        for (happened, topic, columns) in life(id, loads.from, loads.from + i64::from(days) * DAY, &songs, &mut random)
        {
            for delivery in lake::deliveries(&mut way, happened) {
                deliver(&mut lake, loads, &delivery, topic, &columns);
            }
        }
    }
    lake
}

/// All that one user does between two moments.
fn life(id: u32, start: i64, end: i64, songs: &[Song], random: &mut Random) -> Vec<(i64, Topic, Map<String, Value>)> {
    let mut user = User::new(id, start, random);
    let mut events = Vec::new();
    let mut now = start + random.between(0, 2 * user.pause) * HOUR + random.between(0, HOUR) / SECOND * SECOND;
    for number in 0.. {
        // Few listen at night.
        let hour = (now - start).rem_euclid(DAY) / HOUR;
        if (1..6).contains(&hour) && random.chance(850) {
            now += 6 * HOUR;
        }
        if now >= end {
            break;
        }
        let id = u64::from(id) * 100_000 + number;
        let mut session = Session { user: &mut user, random, songs, id, item: 0, now, logged_in: false, events };
        let stays = session.play();
        now = session.now;
        events = session.events;
        if !stays {
            break;
        }
        let pause = user.pause * HOUR;
        now += random.between(pause / 3, 2 * pause) / MINUTE * MINUTE;
    }
    events.retain(|(happened, ..)| *happened < end);
    events
}

/// Puts an event into the file of the load that it arrives in: `clean/TOPIC/year=YYYY/month=MM/load-NNNNN.jsonl`.
fn deliver(lake: &mut Lake, loads: &Loads, delivery: &Delivery, topic: Topic, columns: &Map<String, Value>) {
    let (Some(load), Ok(day)) = (loads.at(delivery.arrived), Timestamp::from_millisecond(delivery.happened)) else {
        return;
    };
    let mut columns = columns.clone();
    columns.insert("arrivedAt".to_owned(), json!(loads.closed(load)));
    // A load writes one file for each month that its events happened in.
    columns.insert("loadId".to_owned(), json!(format!("{load:05}-{}", day.strftime("%Y%m"))));
    let file = format!("clean/{}/{}/load-{load:05}.jsonl", topic.folder(), day.strftime("year=%Y/month=%m"));
    lake.add(PathBuf::from(file), delivery, Value::Object(columns).to_string());
}

/// Milliseconds as a decimal number of seconds.
fn seconds(milliseconds: i64) -> Value {
    let text = format!("{}.{:03}", milliseconds / SECOND, milliseconds % SECOND);
    text.parse::<f64>().map_or(Value::Null, |number| json!(number))
}
