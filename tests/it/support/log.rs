//! The log of the whole test process, kept in memory from INFO up.
//!
//! Tests of one process share it, so each gives its rules names of its own and asks for those only.

use std::fmt::{Debug, Write};
use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;
use tokio::sync::watch;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use super::PATIENCE;

/// One line that names a rule.
#[derive(Debug, Clone)]
pub struct Line {
    pub level: Level,
    /// `rule` for what a rule logs itself.
    pub target: String,
    /// `customer/name`.
    pub rule: String,
    pub message_id: String,
    pub attempt: u64,
    pub message: String,
}

static LINES: LazyLock<Arc<Mutex<Vec<Line>>>> = LazyLock::new(Arc::default);
/// Changes with every line.
static COUNT: LazyLock<watch::Sender<usize>> = LazyLock::new(|| watch::channel(0).0);
static INSTALLED: LazyLock<()> = LazyLock::new(|| {
    let subscriber = tracing_subscriber::registry().with(LevelFilter::INFO).with(Keep);
    tracing::subscriber::set_global_default(subscriber).expect("nobody else sets one");
});

/// Begins to keep lines; called before a server starts.
pub fn install() {
    LazyLock::force(&INSTALLED);
}

/// What was logged about a rule so far.
pub fn lines(rule: &str) -> Vec<Line> {
    LINES.lock().iter().filter(|line| line.rule == rule).cloned().collect()
}

/// The first line of a rule that is as wanted, as soon as it is there.
pub async fn wait_for(rule: &str, what: &str, wanted: impl Fn(&Line) -> bool) -> Line {
    let mut changes = COUNT.subscribe();
    let found = async {
        loop {
            changes.borrow_and_update();
            if let Some(line) = lines(rule).into_iter().find(&wanted) {
                return line;
            }
            changes.changed().await.expect("the sender is static");
        }
    };
    match tokio::time::timeout(PATIENCE, found).await {
        Ok(line) => line,
        Err(_) => panic!("no {what} of rule {rule} within {PATIENCE:?}; its log: {:#?}", lines(rule)),
    }
}

struct Keep;

impl<S: Subscriber> Layer<S> for Keep {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let metadata = event.metadata();
        let mut fields = Fields::default();
        event.record(&mut fields);
        let Some(rule) = fields.rule else { return };
        LINES.lock().push(Line {
            level: *metadata.level(),
            target: metadata.target().to_owned(),
            rule,
            message_id: fields.message_id,
            attempt: fields.attempt,
            message: fields.message,
        });
        COUNT.send_modify(|count| *count += 1);
    }
}

#[derive(Default)]
struct Fields {
    rule: Option<String>,
    message_id: String,
    attempt: u64,
    message: String,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "attempt" {
            self.attempt = value;
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text = match field.name() {
            "rule" => self.rule.get_or_insert_default(),
            "message_id" => &mut self.message_id,
            "message" => &mut self.message,
            _ => return,
        };
        write!(text, "{value:?}").expect("a String takes everything");
    }
}
