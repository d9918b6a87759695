#include "server/config/config.hpp"

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "protocol/sip/uri.hpp"

namespace beckon::server {

namespace {

using Problem = std::optional<std::string>;

/// One key of the file.
struct Key {
  /// Sets its value; nullopt when it fits, else what was expected.
  std::function<Problem(const toml::node&, Config&)> set;
  /// Do both have the same value of it?
  std::function<bool(Config&, Config&)> is_same;
};

/// Where its value is kept.
template <class T>
using Place = std::function<T&(Config&)>;

template <class T>
Key key(Place<T> place, std::function<Problem(const toml::node&, T&)> read) {
  return {.set = [=](const toml::node& node, Config& config) { return read(node, place(config)); },
          .is_same = [=](Config& one, Config& other) { return place(one) == place(other); }};
}

template <class T>
Key number(Place<T> place, std::int64_t least, std::int64_t most, const std::string& what = "a number") {
  return key<T>(std::move(place), [=](const toml::node& node, T& number) -> Problem {
    const auto value = node.value_exact<std::int64_t>();
    if (!value || *value < least || *value > most) {
      return what + " from " + std::to_string(least) + " to " + std::to_string(most);
    }
    number = static_cast<T>(*value);
    return std::nullopt;
  });
}

/// A number of `unit`s, which are called `name`.
Key units(Place<Duration> place, Duration unit, const std::string& name, std::int64_t least,
          std::int64_t most) {
  return key<Duration>(std::move(place), [=](const toml::node& node, Duration& duration) -> Problem {
    const auto value = node.value_exact<std::int64_t>();
    if (!value || *value < least || *value > most) {
      return name + " from " + std::to_string(least) + " to " + std::to_string(most);
    }
    duration = *value * unit;
    return std::nullopt;
  });
}

Key seconds(Place<Duration> place, std::int64_t least, std::int64_t most) {
  return units(std::move(place), std::chrono::seconds(1), "seconds", least, most);
}

template <class T>
Key text(Place<T> place) {
  return key<T>(std::move(place), [](const toml::node& node, T& text) -> Problem {
    const auto value = node.value_exact<std::string>();
    if (!value) return "a text";
    text = *value;
    return std::nullopt;
  });
}

Key flag(Place<bool> place) {
  return key<bool>(std::move(place), [](const toml::node& node, bool& flag) -> Problem {
    const auto value = node.value_exact<bool>();
    if (!value) return "true or false";
    flag = *value;
    return std::nullopt;
  });
}

template <class T>
Key choice(Place<T> place, std::map<std::string, T, std::less<>> choices) {
  return key<T>(std::move(place),
                [choices = std::move(choices)](const toml::node& node, T& chosen) -> Problem {
                  const auto value = node.value_exact<std::string>();
                  const auto found = value ? choices.find(*value) : choices.end();
                  if (found != choices.end()) {
                    chosen = found->second;
                    return std::nullopt;
                  }
                  std::string expected = "one of";
                  for (const auto& [name, meaning] : choices) expected += " \"" + name + '"';
                  return expected;
                });
}

/// A list of texts, each handed to `add`, which says what is wrong with it.
Problem read_list(const toml::node& node, const std::function<Problem(const std::string&)>& add) {
  const auto* array = node.as_array();
  if (!array) return "a list of texts";
  for (const auto& item : *array) {
    const auto value = item.value_exact<std::string>();
    if (!value) return "a list of texts";
    if (auto problem = add(*value)) return problem;
  }
  return std::nullopt;
}

template <class T>
Key list(Place<std::vector<T>> place, std::function<Problem(const std::string&, std::vector<T>&)> add) {
  return key<std::vector<T>>(std::move(place), [=](const toml::node& node, std::vector<T>& all) -> Problem {
    all.clear();
    return read_list(node, [&](const std::string& value) { return add(value, all); });
  });
}

Key texts(Place<std::vector<std::string>> place) {
  return list<std::string>(std::move(place), [](const std::string& text, auto& all) -> Problem {
    all.push_back(text);
    return std::nullopt;
  });
}

/// A name of the DNS or an address, as the host of a URI is.
bool is_host(const std::string& name) {
  if (parse_ip(name)) return true;
  const auto uri = sip::parse_uri("sip:" + name);
  return uri && iequals(uri->host, name);
}

/// `any`: "*" is one, too.
Key names(Place<std::vector<std::string>> place, bool any = false) {
  return list<std::string>(std::move(place), [any](const std::string& name, auto& all) -> Problem {
    if (!is_host(name) && !(any && name == "*")) return '"' + name + "\" is not a domain name or an address";
    all.push_back(to_lower(name));
    return std::nullopt;
  });
}

Key aors(Place<std::vector<std::string>> place) {
  return list<std::string>(std::move(place), [](const std::string& text, auto& all) -> Problem {
    const auto uri = sip::parse_uri(text);
    if (!uri || !uri->is_sip() || uri->user.empty()) return "addresses of users: \"sip:alice@example.org\"";
    all.push_back(sip::canonical_aor(*uri));
    return std::nullopt;
  });
}

Key addresses(Place<std::vector<Address>> place) {
  return list<Address>(std::move(place), [](const std::string& value, auto& all) -> Problem {
    const auto address = parse_address(value);
    if (!address || address->port == 0) return "texts of the form ADDRESS:PORT";
    all.push_back(*address);
    return std::nullopt;
  });
}

Key networks(Place<std::vector<Network>> place) {
  return list<Network>(std::move(place), [](const std::string& value, auto& all) -> Problem {
    const auto network = parse_network(value);
    if (!network) return '"' + value + "\" is not a network such as 192.0.2.0/24";
    all.push_back(*network);
    return std::nullopt;
  });
}

/// One key for two values.
Key qop() {
  return {.set = [](const toml::node& node, Config& config) -> Problem {
            auto& settings = config.settings;
            settings.digest_auth = settings.digest_auth_int = false;
            return read_list(node, [&](const std::string& word) -> Problem {
              if (word != "auth" && word != "auth-int") return "\"auth\" or \"auth-int\"";
              (word == "auth" ? settings.digest_auth : settings.digest_auth_int) = true;
              return std::nullopt;
            });
          },
          .is_same =
              [](Config& one, Config& other) {
                return one.settings.digest_auth == other.settings.digest_auth &&
                       one.settings.digest_auth_int == other.settings.digest_auth_int;
              }};
}

Key listeners(Place<std::vector<Listener>> place) {
  return list<Listener>(std::move(place), [](const std::string& value, auto& all) -> Problem {
    const auto listener = parse_listener(value);
    if (!listener) return '"' + value + "\": " + listener.error().message();
    all.push_back(*listener);
    return std::nullopt;
  });
}

Key entrances(Place<std::vector<Entrance>> place) {
  return list<Entrance>(std::move(place), [](const std::string& value, auto& all) -> Problem {
    const auto entrance = parse_entrance(value);
    if (!entrance)
      return '"' + value + "\" is not a SIP transport such as \"ws\", or one port of it: \"udp:5062\"";
    all.push_back(*entrance);
    return std::nullopt;
  });
}

using Keys = std::map<std::string, Key, std::less<>>;

constexpr std::int64_t day = 86400;
constexpr std::int64_t million = 1000000;

void add_lifetimes(Keys& keys, const std::string& section, Lifetimes Settings::* lifetimes) {
  const auto member = [&](const std::string& name, std::uint32_t Lifetimes::* field) {
    keys[section + '.' + name] = number<std::uint32_t>(
        [=](Config& c) -> auto& { return c.settings.*lifetimes.*field; }, 1, 365 * day, "seconds");
  };
  member("minimum", &Lifetimes::minimum);
  member("standard", &Lifetimes::standard);
  member("maximum", &Lifetimes::maximum);
}

void add_limits(Keys& keys) {
  const auto limit = [&](const std::string& name, std::uint32_t Settings::* field) {
    keys["limits." + name] =
        number<std::uint32_t>([=](Config& c) -> auto& { return c.settings.*field; }, 1, million);
  };
  const auto few = [&](const std::string& name, std::uint32_t Settings::* field) {
    keys["limits." + name] =
        number<std::uint32_t>([=](Config& c) -> auto& { return c.settings.*field; }, 1, 1000);
  };
  limit("bindings_per_aor", &Settings::bindings_per_aor);
  // Each is looked at with every request.
  few("publications_per_aor", &Settings::publications_per_aor);
  limit("elements_per_presentity", &Settings::elements_per_presentity);
  keys["limits.document_octets_per_presentity"] = number<std::uint32_t>(
      [](Config& c) -> auto& { return c.settings.document_octets_per_presentity; }, 1, 1000 * million);
  limit("watchers_per_presentity", &Settings::watchers_per_presentity);
  limit("pending_per_presentity", &Settings::pending_per_presentity);
  limit("subscriptions_per_watcher", &Settings::subscriptions_per_watcher);
  limit("subscriptions_per_watcher_and_presentity", &Settings::subscriptions_per_watcher_and_presentity);
  keys["limits.watch_log_lines"] =
      number<std::uint32_t>([](Config& c) -> auto& { return c.settings.watch_log_lines; }, 0, million);
  limit("list_members", &Settings::list_members);
  keys["limits.list_foreign_members"] =
      number<std::uint32_t>([](Config& c) -> auto& { return c.settings.list_foreign_members; }, 0, million);
  keys["limits.list_notify_octets"] =
      number<std::uint32_t>([](Config& c) -> auto& { return c.settings.list_notify_octets; }, 4096, million);
  keys["limits.list_datagram_octets"] =
      number<std::uint32_t>([](Config& c) -> auto& { return c.settings.list_datagram_octets; }, 4096, 60000);
  keys["limits.document_octets"] =
      number<std::uint32_t>([](Config& c) -> auto& { return c.settings.document_octets; }, 4096, million);
  few("documents_per_user", &Settings::documents_per_user);
  few("services_per_document", &Settings::services_per_document);
  limit("calls_per_user", &Settings::calls_per_user);
  keys["limits.ringing_per_user"] =
      number<std::uint32_t>([](Config& c) -> auto& { return c.settings.ringing.per_user; }, 1, million);
  keys["limits.ringing_per_address"] =
      number<std::uint32_t>([](Config& c) -> auto& { return c.settings.ringing.per_address; }, 1, million);
  limit("max_breadth", &Settings::max_breadth);
  limit("queue_between_shards", &Settings::queue_between_shards);
  limit("unauthenticated_per_second", &Settings::unauthenticated_per_second);
  limit("unauthenticated_burst", &Settings::unauthenticated_burst);
}

void add_messages(Keys& keys) {
  const auto count = [&](const std::string& name, std::uint32_t MessageStorage::* field) {
    keys["message." + name] = number<std::uint32_t>(
        [=](Config& c) -> auto& { return c.settings.messages.*field; }, 1, 16 * million);
  };
  count("per_user", &MessageStorage::per_user);
  count("kib_per_user", &MessageStorage::kib_per_user);
  count("notices_per_user", &MessageStorage::notices_per_user);
  count("kib_per_thread", &MessageStorage::kib_per_shard);
  keys["message.keep_days"] = units([](Config& c) -> auto& { return c.settings.messages.kept; },
                                    std::chrono::days(1), "days", 0, 365);
  keys["message.other_devices_hours"] =
      units([](Config& c) -> auto& { return c.settings.messages.kept_for_others; }, std::chrono::hours(1),
            "hours", 0, 8760);
  keys["message.patience_seconds"] =
      seconds([](Config& c) -> auto& { return c.settings.messages.patience; }, 1, 30);
}

void add_connections(Keys& keys) {
  const auto limit = [&](const std::string& name, std::uint32_t ConnectionLimits::* field) {
    keys[name] = number<std::uint32_t>([=](Config& c) -> auto& { return c.connections.*field; }, 1, million);
  };
  limit("connections.total", &ConnectionLimits::total);
  limit("connections.per_address", &ConnectionLimits::per_address);
  limit("connections.queue_kib", &ConnectionLimits::queue_kib);
  keys["connections.unfinished_kib"] = number<std::uint32_t>(
      [](Config& c) -> auto& { return c.connections.unfinished_kib; }, 2048, 16 * million);
  limit("websocket.message_kib", &ConnectionLimits::websocket_message_kib);
  keys["connections.idle_seconds"] =
      seconds([](Config& c) -> auto& { return c.settings.idle_connection; }, 1, day);
  keys["connections.handshake_seconds"] =
      seconds([](Config& c) -> auto& { return c.connections.handshake; }, 1, 600);
  keys["connections.message_seconds"] =
      seconds([](Config& c) -> auto& { return c.connections.message; }, 1, day);
  keys["websocket.ping_seconds"] =
      seconds([](Config& c) -> auto& { return c.connections.websocket_ping; }, 0, day);
  keys["websocket.origins"] = texts([](Config& c) -> auto& { return c.connections.websocket_origins; });
}

void add_rooms(Keys& keys) {
  const auto limit = [&](const std::string& name, std::uint32_t RoomLimits::* field, std::int64_t least,
                         std::int64_t most) {
    keys["room." + name] =
        number<std::uint32_t>([=](Config& c) -> auto& { return c.settings.rooms.*field; }, least, most);
  };
  limit("members", &RoomLimits::members, 1, 10000);
  limit("per_user", &RoomLimits::per_user, 0, 10000);
  limit("per_domain", &RoomLimits::per_domain, 0, million);
  limit("memberships_per_user", &RoomLimits::memberships_per_user, 1, 10000);
  limit("messages_per_minute", &RoomLimits::messages_per_minute, 1, million);
  limit("message_octets", &RoomLimits::message_octets, 1, 65536);
}

void add_archive(Keys& keys) {
  const auto limit = [&](const std::string& name, std::uint32_t ArchiveLimits::* field, std::int64_t least,
                         std::int64_t most) {
    keys["archive." + name] =
        number<std::uint32_t>([=](Config& c) -> auto& { return c.settings.archive.*field; }, least, most);
  };
  limit("messages_per_user", &ArchiveLimits::messages_per_user, 0, 100000);
  limit("keep_days", &ArchiveLimits::keep_days, 1, 36500);
  limit("text_octets", &ArchiveLimits::text_octets, 0, 65536);
  limit("total_mib", &ArchiveLimits::total_mib, 1, million);
}

void add_federation(Keys& keys) {
  keys["federation.domains"] =
      names([](Config& c) -> auto& { return c.settings.federation.domains; }, /*any=*/true);
  keys["federation.trusted"] = names([](Config& c) -> auto& { return c.settings.federation.trusted; });
  keys["federation.tls_only"] = flag([](Config& c) -> auto& { return c.settings.federation.tls_only; });
  keys["federation.ca"] = text<std::filesystem::path>([](Config& c) -> auto& { return c.federation_ca; });
  keys["federation.requests_per_second"] = number<std::uint32_t>(
      [](Config& c) -> auto& { return c.settings.federation.requests_per_second; }, 1, million);
  keys["federation.requests_burst"] = number<std::uint32_t>(
      [](Config& c) -> auto& { return c.settings.federation.requests_burst; }, 1, million);
  keys["federation.subscriptions"] = number<std::uint32_t>(
      [](Config& c) -> auto& { return c.settings.federation.subscriptions; }, 0, million);
  keys["federation.ringing"] =
      number<std::uint32_t>([](Config& c) -> auto& { return c.settings.ringing.per_domain; }, 1, million);
}

Keys make_keys() {
  Keys keys;
  keys["domains"] = names([](Config& c) -> auto& { return c.domains; });
  keys["listen"] = listeners([](Config& c) -> auto& { return c.listeners; });
  keys["advertise"] = text<std::string>([](Config& c) -> auto& { return c.advertise; });
  keys["data"] = text<std::filesystem::path>([](Config& c) -> auto& { return c.data; });
  keys["shards"] = number<unsigned>([](Config& c) -> auto& { return c.shards; }, 1, 64);
  keys["durability"] = choice<Durability>(
      [](Config& c) -> auto& { return c.durability; },
      {{"memory", Durability::memory}, {"process", Durability::process}, {"power", Durability::power}});
  keys["authentication"] =
      choice<Authentication>([](Config& c) -> auto& { return c.settings.authentication; },
                             {{"digest", Authentication::digest}, {"none", Authentication::none}});
  keys["watcher_policy"] =
      choice<WatcherPolicy>([](Config& c) -> auto& { return c.settings.watcher_policy; },
                            {{"confirm", WatcherPolicy::confirm}, {"allow", WatcherPolicy::allow}});
  keys["registration_watchers"] = aors([](Config& c) -> auto& { return c.settings.registration_watchers; });
  keys["registration_managers"] = aors([](Config& c) -> auto& { return c.settings.registration_managers; });
  keys["dialog_watchers"] = aors([](Config& c) -> auto& { return c.settings.dialog_watchers; });
  keys["log"] = text<std::string>([](Config& c) -> auto& { return c.log; });
  keys["tls.certificate"] = text<std::filesystem::path>([](Config& c) -> auto& { return c.tls_certificate; });
  keys["tls.key"] = text<std::filesystem::path>([](Config& c) -> auto& { return c.tls_key; });
  keys["tls.client_ca"] = text<std::filesystem::path>([](Config& c) -> auto& { return c.tls_clients.ca; });
  keys["tls.client_certificate"] = choice<bool>([](Config& c) -> auto& { return c.tls_clients.required; },
                                                {{"optional", false}, {"required", true}});
  keys["digest.sha512_256"] = flag([](Config& c) -> auto& { return c.settings.digest_sha512_256; });
  keys["digest.md5"] = flag([](Config& c) -> auto& { return c.settings.digest_md5; });
  keys["digest.qop"] = qop();
  keys["digest.userhash"] = flag([](Config& c) -> auto& { return c.settings.digest_userhash; });
  keys["digest.authentication_info"] = flag([](Config& c) -> auto& { return c.settings.digest_info; });
  keys["digest.md5_only_agents"] = texts([](Config& c) -> auto& { return c.settings.md5_only_agents; });
  keys["digest.md5_only_at"] = entrances([](Config& c) -> auto& { return c.settings.md5_only_at; });
  keys["digest.nonce_seconds"] =
      seconds([](Config& c) -> auto& { return c.settings.nonce_lifetime; }, 1, day);
  keys["guessing.free"] =
      number<std::uint32_t>([](Config& c) -> auto& { return c.settings.guesses.free; }, 1, million);
  keys["guessing.pause_seconds"] =
      seconds([](Config& c) -> auto& { return c.settings.guesses.pause; }, 1, day);
  keys["guessing.pause_max_seconds"] =
      seconds([](Config& c) -> auto& { return c.settings.guesses.pause_max; }, 1, day);
  keys["guessing.memory_seconds"] =
      seconds([](Config& c) -> auto& { return c.settings.guesses.memory; }, 1, 365 * day);
  keys["guessing.entries"] =
      number<std::uint32_t>([](Config& c) -> auto& { return c.settings.guesses.entries; }, 1, 16 * million);
  keys["trusted_networks"] = networks([](Config& c) -> auto& { return c.settings.trusted_networks; });
  keys["proxy.foreign"] =
      choice<ForeignPolicy>([](Config& c) -> auto& { return c.settings.foreign; },
                            {{"refuse", ForeignPolicy::refuse}, {"forward", ForeignPolicy::forward}});
  keys["proxy.serial_ring_seconds"] =
      seconds([](Config& c) -> auto& { return c.settings.serial_ring; }, 0, 180);
  keys["proxy.recurse"] = flag([](Config& c) -> auto& { return c.settings.recurse; });
  keys["proxy.trust_domain"] = networks([](Config& c) -> auto& { return c.settings.trust_domain; });
  keys["calls.dialog_events"] = flag([](Config& c) -> auto& { return c.settings.dialog_events; });
  keys["calls.age_max_seconds"] =
      seconds([](Config& c) -> auto& { return c.settings.call_age_max; }, 90, 365 * day);
  keys["calls.missed_notes"] = flag([](Config& c) -> auto& { return c.settings.missed_notes; });
  keys["calls.obey_presence"] = flag([](Config& c) -> auto& { return c.settings.presence_routes; });
  add_federation(keys);
  keys["dns.servers"] = addresses([](Config& c) -> auto& { return c.dns_servers; });
  keys["restart.grace_seconds"] =
      seconds([](Config& c) -> auto& { return c.settings.restart_grace; }, 0, day);
  keys["restart.notifies_per_second"] = number<std::uint32_t>(
      [](Config& c) -> auto& { return c.settings.restart_notifies_per_second; }, 1, million);
  add_connections(keys);
  keys["trace.messages"] =
      number<std::uint32_t>([](Config& c) -> auto& { return c.trace_messages; }, 0, million);
  keys["trace.octets"] =
      number<std::uint32_t>([](Config& c) -> auto& { return c.trace_octets; }, 0, std::int64_t{1} << 30);
  add_lifetimes(keys, "registration", &Settings::registration);
  add_lifetimes(keys, "subscription", &Settings::subscription);
  keys["subscription.notify_attempts"] =
      number<std::uint32_t>([](Config& c) -> auto& { return c.settings.notify_attempts; }, 1, 10);
  keys["subscription.repeat_interval_min_seconds"] =
      seconds([](Config& c) -> auto& { return c.settings.repeat_interval_min; }, 1, day);
  keys["subscription.list_window_milliseconds"] =
      units([](Config& c) -> auto& { return c.settings.list_window; }, std::chrono::milliseconds(1),
            "milliseconds", 0, 10000);
  add_lifetimes(keys, "publication", &Settings::publication);
  add_archive(keys);
  add_rooms(keys);
  add_messages(keys);
  add_limits(keys);
  return keys;
}

std::string where(const toml::node& node) { return "line " + std::to_string(node.source().begin.line); }

Problem read_table(const toml::table& table, const std::string& prefix, const Keys& keys, Config& config) {
  for (const auto& [key, node] : table) {
    const std::string name = prefix + std::string(key.str());
    if (const auto* section = node.as_table()) {
      if (auto problem = read_table(*section, name + '.', keys, config)) return problem;
      continue;
    }
    const auto found = keys.find(name);
    if (found == keys.end()) return where(node) + ": there is no key \"" + name + '"';
    if (const auto expected = found->second.set(node, config))
      return where(node) + ": " + name + ": " + *expected;
  }
  return std::nullopt;
}

bool is_ordered(const Lifetimes& lifetimes) {
  return lifetimes.minimum <= lifetimes.standard && lifetimes.standard <= lifetimes.maximum;
}

}  // namespace

const std::vector<Listener>& Config::listening() const {
  return listeners.empty() ? default_listeners() : listeners;
}

const std::vector<Listener>& default_listeners() {
  static const std::vector<Listener> all = [] {
    std::vector<Listener> made;
    for (const char* text :
         {"udp:127.0.0.1:5060", "tcp:127.0.0.1:5060", "tls:127.0.0.1:5061", "ws:127.0.0.1:5080",
          "https:127.0.0.1:5443", "stun:127.0.0.1:3478", "admin:127.0.0.1:5090"}) {
      made.push_back(*parse_listener(text));
    }
    return made;
  }();
  return all;
}

std::filesystem::path default_data_folder() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): read before threads start.
  if (const char* folder = std::getenv("XDG_DATA_HOME"); folder && *folder)
    return std::filesystem::path(folder) / "beckon";
  const char* home = std::getenv("HOME");
  return std::filesystem::path(home ? home : ".") / ".local/share/beckon";
}

std::optional<std::string> read_toml(std::string_view content, Config& config) {
  const auto parsed = toml::parse(content);
  if (!parsed) {
    const auto& error = parsed.error();
    return "line " + std::to_string(error.source().begin.line) + ", column " +
           std::to_string(error.source().begin.column) + ": " + std::string(error.description());
  }
  return read_table(parsed.table(), "", make_keys(), config);
}

std::optional<std::string> read_file(const std::filesystem::path& file, Config& config) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return file.string() + " cannot be read";
  const std::string content{std::istreambuf_iterator<char>(in), {}};
  if (const auto problem = read_toml(content, config)) return file.string() + ": " + *problem;
  return std::nullopt;
}

std::optional<std::string> reload(const Config& now, Config& fresh) {
  fresh.file = now.file;
  fresh.overrides = now.overrides;
  if (!now.file.empty()) {
    if (auto problem = read_file(now.file, fresh)) return problem;
  }
  // Nobody sees the lines that the options become.
  if (const auto problem = read_toml(now.overrides, fresh))
    return "command line: " + problem->substr(problem->find(": ") + 2);
  if (fresh.data.empty()) fresh.data = default_data_folder();
  return check(fresh);
}

Config reloaded(const Config& running, const Config& fresh) {
  Config next = running;
  next.domains = fresh.domains;
  next.log = fresh.log;
  next.settings = fresh.settings;
  next.settings.authentication = running.settings.authentication;
  next.settings.nonce_lifetime = running.settings.nonce_lifetime;
  next.settings.idle_connection = running.settings.idle_connection;
  next.settings.restart_grace = running.settings.restart_grace;
  next.settings.restart_notifies_per_second = running.settings.restart_notifies_per_second;
  next.settings.queue_between_shards = running.settings.queue_between_shards;
  return next;
}

std::vector<std::string> waiting(Config running, Config fresh) {
  Config next = reloaded(running, fresh);
  std::vector<std::string> names;
  for (const auto& [name, key] : make_keys()) {
    if (!key.is_same(next, fresh)) names.push_back(name);
  }
  return names;
}

std::vector<std::string> key_names() {
  std::vector<std::string> names;
  for (const auto& [name, key] : make_keys()) names.push_back(name);
  return names;
}

std::optional<std::string> check(const Config& config) {
  const auto& settings = config.settings;
  const bool exposed = std::ranges::any_of(config.listening(), [](const Listener& listener) {
    return listener.kind != Listener::Kind::stun && !listener.address.ip.is_loopback();
  });
  if (settings.authentication == Authentication::none && exposed) {
    return "authentication \"none\" is for benches: every listener must be on loopback";
  }
  if (config.tls_certificate.empty() != config.tls_key.empty()) {
    return "a TLS certificate and its key go together: name both or none";
  }
  if (!settings.digest_auth && !settings.digest_auth_int)
    return "digest.qop names \"auth\", \"auth-int\" or both (RFC 3261 22.4)";
  if (settings.guesses.pause > settings.guesses.pause_max ||
      settings.guesses.pause_max > settings.guesses.memory)
    return "guessing: pause_seconds, pause_max_seconds and memory_seconds must rise";
  if (config.tls_clients.required && config.tls_clients.ca.empty())
    return "tls.client_certificate \"required\" needs tls.client_ca";
  const bool needs_tls = !settings.federation.domains.empty() ||
                         (settings.foreign == ForeignPolicy::forward && settings.federation.tls_only);
  if (needs_tls && std::ranges::none_of(config.listening(), [](const Listener& listener) {
        return listener.kind == Listener::Kind::tls;
      }))
    return "other domains are reached and admitted over TLS: a tls listener is needed (federation.tls_only)";
  if (config.connections.websocket_ping >= settings.idle_connection)
    return "websocket.ping_seconds must be less than connections.idle_seconds";
  if (!is_ordered(settings.registration) || !is_ordered(settings.subscription) ||
      !is_ordered(settings.publication)) {
    return "a lifetime's minimum, standard and maximum must rise";
  }
  static constexpr std::array levels{"trace", "debug", "info", "warn", "error", "off"};
  if (std::ranges::find(levels, config.log) == levels.end())
    return "log is one of trace, debug, info, warn, error, off";
  return std::nullopt;
}

}  // namespace beckon::server
