//! How often a client may ask: by address, by key, and for sign-ins by address and by name.

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock};

use crate::{Error, settings::Settings};

/// One limiter for each reason to refuse.
pub(crate) struct RateLimits {
    addresses: DefaultKeyedRateLimiter<IpAddr>,
    keys: DefaultKeyedRateLimiter<[u8; 32]>,
    sign_in_addresses: DefaultKeyedRateLimiter<IpAddr>,
    sign_in_names: DefaultKeyedRateLimiter<[u8; 32]>,
}

impl RateLimits {
    pub(crate) fn new(settings: &Settings) -> Self {
        let quota = |requests: u32| Quota::per_minute(NonZeroU32::new(requests).unwrap_or(NonZeroU32::MIN));
        Self {
            addresses: RateLimiter::keyed(quota(settings.address_requests)),
            keys: RateLimiter::keyed(quota(settings.key_requests)),
            sign_in_addresses: RateLimiter::keyed(quota(settings.sign_ins.saturating_mul(4))),
            sign_in_names: RateLimiter::keyed(quota(settings.sign_ins)),
        }
    }

    pub(crate) fn address(&self, address: IpAddr) -> Result<(), Error> {
        checked(&self.addresses, &neighbourhood(address))
    }

    pub(crate) fn key(&self, key: &[u8; 32]) -> Result<(), Error> {
        checked(&self.keys, key)
    }

    /// An attempt to sign in. A name is limited apart from others, so that nobody is locked out by attempts on another name.
    pub(crate) fn sign_in(&self, address: IpAddr, name: &str) -> Result<(), Error> {
        checked(&self.sign_in_addresses, &neighbourhood(address))?;
        let name = [neighbourhood(address).to_string().as_bytes(), &[0], name.as_bytes()].concat();
        checked(&self.sign_in_names, blake3::hash(&name).as_bytes())
    }

    /// Forgets clients that have not asked for a while, so that memory is bounded by those who do.
    pub(crate) fn forget_idle(&self) {
        self.addresses.retain_recent();
        self.keys.retain_recent();
        self.sign_in_addresses.retain_recent();
        self.sign_in_names.retain_recent();
    }
}

/// An address, or the /64 network that one subscriber has to draw addresses from.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(it) => Ipv6Addr::from(u128::from(it) & !u128::from(u64::MAX)).into(),
        v4 => v4,
    }
}

fn checked<K: std::hash::Hash + Eq + Clone>(
    limiter: &DefaultKeyedRateLimiter<K>,
    key: &K,
) -> Result<(), Error> {
    limiter.check_key(key).map_err(|until| {
        let wait = until.wait_time_from(limiter.clock().now());
        Error::Limited { seconds: wait.as_secs() + 1 }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_thousand_wrong_passwords_stop_at_the_limit_and_lock_nobody_else_out() {
        let limits = RateLimits::new(&Settings { sign_ins: 10, ..Settings::default() });
        let (attacker, other): (IpAddr, IpAddr) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        let let_through = (0..10_000).filter(|_| limits.sign_in(attacker, "kim").is_ok()).count();
        assert!((10..=12).contains(&let_through), "{let_through}");
        assert!(limits.sign_in(other, "kim").is_ok(), "the owner of the name is locked out");
        let spread = (0..10_000).filter(|it| limits.sign_in(attacker, &format!("name {it}")).is_ok()).count();
        assert!(spread <= 41, "{spread} names tried from one address");
    }

    #[test]
    fn addresses_of_one_ipv6_network_share_a_limit() {
        let one: IpAddr = "2001:db8::1".parse().unwrap();
        let two: IpAddr = "2001:db8::ffff:2".parse().unwrap();
        assert_eq!(neighbourhood(one), neighbourhood(two));
        assert_eq!(neighbourhood("::ffff:1.2.3.4".parse().unwrap()), "1.2.3.4".parse::<IpAddr>().unwrap());
    }
}
