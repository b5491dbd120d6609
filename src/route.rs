//! The route to a gateway, direct or through a proxy, as the log shows it.

use tracing::info;

use crate::config::Gateway;
use crate::gateway::proxy::ProxyUrl;

/// The route to a gateway, without credentials.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// Scheme, host and port of the gateway.
    gateway: String,
    /// Scheme, host and port of the proxy, and the key or variable that gives it.
    proxy: Option<(String, &'static str)>,
}

impl Route {
    /// The route to this gateway.
    pub fn to(gateway: &Gateway) -> Route {
        let proxy = gateway.transport.proxy.as_ref();
        Route {
            gateway: gateway.url.origin().ascii_serialization(),
            proxy: proxy.map(|proxy| (proxy.to_string(), ProxyUrl::given_by(proxy))),
        }
    }

    /// Logs the route.
    pub fn log(&self) {
        let gateway = &self.gateway;
        match &self.proxy {
            None => info!(gateway, "Asks the gateway directly"),
            Some((proxy, given_by)) => {
                info!(gateway, proxy, given_by, "Asks the gateway through a proxy");
            }
        }
    }
}
