//! The metrics of one account's gateway calls, with the label `account` unless it is the default account.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use prometheus::core::Collector;
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry};

use crate::gateway::error::{GatewayError, Reason};
use crate::gateway::exchange::Quota;
use crate::gateway::fields::Field;
use exporter_toolkit::metrics_format::DatedRegistry;
use exporter_toolkit::printable::without_line_separators;

/// A value of the label `endpoint`, an endpoint of the gateway API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointLabel {
    /// `GET /socials`.
    Socials,
    /// `GET /socials/{platform}`.
    Platform,
}

impl EndpointLabel {
    const ALL: [EndpointLabel; 2] = [EndpointLabel::Socials, EndpointLabel::Platform];

    fn as_str(self) -> &'static str {
        match self {
            EndpointLabel::Socials => "socials",
            EndpointLabel::Platform => "platform",
        }
    }
}

/// The gateway metrics of one account. They have their own registry, so that they disappear with the account.
#[derive(Debug)]
pub struct AccountMetrics {
    pub(super) registry: DatedRegistry,
    requests: IntCounterVec,
    failures: IntCounterVec,
    duration: HistogramVec,
    invalid_fields: IntCounterVec,
    // Vectors without labels, because a plain gauge would show 0 before it is first set.
    quota_limit: IntGaugeVec,
    quota_remaining: IntGaugeVec,
}

impl AccountMetrics {
    /// Registers all metrics with the counters at 0, which count since `created`. `account` is the name, `None` for the
    /// default account.
    ///
    /// # Errors
    /// If two metrics have the same name, which is a bug.
    pub fn new(
        account: Option<&str>,
        created: DateTime<Utc>,
    ) -> prometheus::Result<AccountMetrics> {
        let opts = |name: &str, help: &str| {
            let opts = Opts::new(name, help);
            match account {
                Some(account) => opts.const_label("account", without_line_separators(account)),
                None => opts,
            }
        };
        let requests = IntCounterVec::new(
            opts(
                "qlara_gateway_requests_total",
                "Requests sent to the gateway.",
            ),
            &["endpoint"],
        )?;
        let failures = IntCounterVec::new(
            opts(
                "qlara_gateway_request_failures_total",
                "Requests to the gateway that failed, by reason.",
            ),
            &["endpoint", "reason"],
        )?;
        let duration = HistogramVec::new(
            HistogramOpts::from(opts(
                "qlara_gateway_request_duration_seconds",
                "How long requests to the gateway took, the body included.",
            )),
            &["endpoint"],
        )?;
        let invalid_fields = IntCounterVec::new(
            opts(
                "qlara_gateway_invalid_fields_total",
                "Fields in answers of the gateway that could not be read.",
            ),
            &["field"],
        )?;
        let quota_limit = IntGaugeVec::new(
            opts(
                "qlara_gateway_ratelimit_limit",
                "Requests per minute that the API key may send, as the gateway last stated it.",
            ),
            &[],
        )?;
        let quota_remaining = IntGaugeVec::new(
            opts(
                "qlara_gateway_ratelimit_remaining",
                "Requests that the API key has left, as the gateway last stated it.",
            ),
            &[],
        )?;
        for endpoint in EndpointLabel::ALL {
            requests.with_label_values(&[endpoint.as_str()]);
            duration.with_label_values(&[endpoint.as_str()]);
            for reason in Reason::ALL {
                failures.with_label_values(&[endpoint.as_str(), reason.as_str()]);
            }
        }
        for field in Field::COUNTED {
            invalid_fields.with_label_values(&[field.as_str()]);
        }
        let registry = Registry::new();
        let collectors: [Box<dyn Collector>; 6] = [
            Box::new(requests.clone()),
            Box::new(failures.clone()),
            Box::new(duration.clone()),
            Box::new(invalid_fields.clone()),
            Box::new(quota_limit.clone()),
            Box::new(quota_remaining.clone()),
        ];
        for collector in collectors {
            registry.register(collector)?;
        }
        Ok(AccountMetrics {
            registry: DatedRegistry { registry, created },
            requests,
            failures,
            duration,
            invalid_fields,
            quota_limit,
            quota_remaining,
        })
    }

    /// Counts one completed request, failed or not.
    pub fn count_request(
        &self,
        endpoint: EndpointLabel,
        took: Duration,
        error: Option<&GatewayError>,
    ) {
        let endpoint = endpoint.as_str();
        self.requests.with_label_values(&[endpoint]).inc();
        self.duration
            .with_label_values(&[endpoint])
            .observe(took.as_secs_f64());
        if let Some(error) = error {
            let reason = error.reason().as_str();
            self.failures.with_label_values(&[endpoint, reason]).inc();
        }
    }

    /// Counts fields that could not be read.
    pub fn count_invalid_fields(&self, counts: &BTreeMap<Field, u64>) {
        for (field, count) in counts {
            self.invalid_fields
                .with_label_values(&[field.as_str()])
                .inc_by(*count);
        }
    }

    /// Sets the quota, as far as the gateway states it.
    pub fn set_quota(&self, quota: Quota) {
        let stated = [
            (&self.quota_limit, quota.limit),
            (&self.quota_remaining, quota.remaining),
        ];
        for (gauge, value) in stated {
            if let Some(value) = value.and_then(|value| i64::try_from(value).ok()) {
                gauge.with_label_values::<&str>(&[]).set(value);
            }
        }
    }
}
