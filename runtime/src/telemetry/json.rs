//! One JSON object a line, in which the fields of an event and those of the spans around it lie side by
//! side: what a log's reader can filter by must not depend on who said it.

use std::{error::Error, fmt};

use serde::ser::{SerializeMap, Serializer as _};
use serde_json::{Map, Serializer, Value};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_log::NormalizeEvent as _;
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields,
        format::{JsonFields, Writer},
        time::{FormatTime as _, SystemTime},
    },
    registry::LookupSpan,
};

/// What a line says of the event itself. A field that is called so is written with an underscore
/// behind its name.
const OWN: [&str; 3] = ["timestamp", "level", "target"];

/// Formats events with the fields that [`JsonFields`] has made of spans.
#[derive(Debug)]
pub(super) struct FlatJson;

impl<S> FormatEvent<S, JsonFields> for FlatJson
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    JsonFields: for<'writer> FormatFields<'writer>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Vec::with_capacity(256);
        self.line(context, event, &mut line)
            .map_err(|_| fmt::Error)?;
        let line = std::str::from_utf8(&line).map_err(|_| fmt::Error)?;
        writeln!(writer, "{line}")
    }
}

impl FlatJson {
    fn line<S>(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        event: &Event<'_>,
        line: &mut Vec<u8>,
    ) -> Result<(), Box<dyn Error>>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let of_log = event.normalized_metadata();
        let about = of_log.as_ref().unwrap_or_else(|| event.metadata());
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let mut serializer = Serializer::new(line);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("timestamp", &time)?;
        map.serialize_entry("level", about.level().as_str())?;
        let mut fields = Fields {
            map,
            written: Vec::new(),
            failed: None,
        };
        event.record(&mut fields);
        let spans = context.event_scope().into_iter().flatten();
        for span in spans {
            let extensions = span.extensions();
            let Some(of_span) = extensions.get::<FormattedFields<JsonFields>>() else {
                continue;
            };
            let of_span: Map<String, Value> = serde_json::from_str(of_span).unwrap_or_default();
            of_span
                .into_iter()
                .for_each(|(name, value)| fields.inherit(name, &value));
        }
        let mut map = fields.done()?;
        map.serialize_entry("target", about.target())?;
        Ok(map.end()?)
    }
}

/// The fields of an event, and then of its spans, from the inmost one on: the first of a name is
/// the one that counts.
struct Fields<M: SerializeMap> {
    map: M,
    written: Vec<std::borrow::Cow<'static, str>>,
    failed: Option<M::Error>,
}

impl<M: SerializeMap> Fields<M> {
    fn write(&mut self, name: &str, value: &(impl serde::Serialize + ?Sized)) {
        let written = match OWN.contains(&name) {
            false => self.map.serialize_entry(name, value),
            true => self.map.serialize_entry(&format!("{name}_"), value),
        };
        self.failed = self.failed.take().or(written.err());
    }

    fn own(&mut self, field: &Field, value: &(impl serde::Serialize + ?Sized)) {
        // What `log` says of its own place is in the metadata.
        if !field.name().starts_with("log.") {
            self.written.push(field.name().into());
            self.write(field.name(), value);
        }
    }

    fn inherit(&mut self, name: String, value: &Value) {
        if !self.written.iter().any(|known| *known == name) {
            self.write(&name, value);
            self.written.push(name.into());
        }
    }

    fn done(self) -> Result<M, M::Error> {
        self.failed.map_or(Ok(self.map), Err)
    }
}

impl<M: SerializeMap> Visit for Fields<M> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.own(field, &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.own(field, &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.own(field, &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.own(field, &value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.own(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.own(field, &format_args!("{value:?}"));
    }
}
