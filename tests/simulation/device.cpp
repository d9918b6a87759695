#include "tests/simulation/device.hpp"

#include <fmt/format.h>

#include "protocol/sip/builder.hpp"

namespace beckon::simulation {

using sip::HeaderId;
using sip::Method;
using transaction::Hop;
using transaction::Outcome;

namespace {

/// Who was refused asks again, not before this.
constexpr Duration refused_pause = 60s;

constexpr const char* partial_rather = "application/pidf+xml;q=0.5, application/pidf-diff+xml";
constexpr const char* lists_too = "application/pidf+xml, application/rlmi+xml, multipart/related";

Duration share_of(std::chrono::seconds lifetime) { return Duration(lifetime) * 4 / 5; }

std::string lines(std::initializer_list<std::pair<std::string_view, std::string>> headers) {
  std::string text;
  for (const auto& [name, value] : headers)
    if (!value.empty()) text.append(name).append(": ").append(value).append("\r\n");
  return text;
}

std::string finish(std::string head, std::string_view type = {}, std::string_view body = {}) {
  if (!body.empty()) head.append("Content-Type: ").append(type).append("\r\n");
  return head + fmt::format("Content-Length: {}\r\n\r\n{}", body.size(), body);
}

}  // namespace

struct Device::Process {
  explicit Process(Device& device)
      : timers(device.world_.make_timers(heap::Owner::nobody)),
        port(device.network_, device.account_.address, SipPort::Streams::dials,
             {.on_message =
                  [this, &device](const Hop& from, const sip::Message& message) {
                    layer.receive(from, message, device.world_.now());
                  },
              .on_flow_opened = [](const Hop&) {},
              .on_flow_closed = [&device](transaction::FlowId flow) { device.on_flow_closed(flow); }}),
        layer({}, port, *timers, device.world_, device.world_.random(), device) {}

  std::shared_ptr<TimerQueue> timers;
  SipPort port;
  transaction::Layer layer;
};

Device::Device(SipNetwork& network, const Address& server, Account account, Ledger& ledger)
    : network_(network),
      world_(network.datagrams().world()),
      server_(server),
      account_(std::move(account)),
      ledger_(ledger) {}

Device::~Device() { end(true); }

// Its process

void Device::start() {
  process_ = std::make_unique<Process>(*this);
  registration_.call_id = new_call_id();
  later(registration_.timer, soon(), [this] { ask_registration(); });
  for (auto& [package, publication] : publications_)
    later(publication.timer, soon(), [this, &package] { ask_publication(package); });
  for (auto& [topic, subscription] : subscriptions_) ask_again(topic, soon());
}

void Device::end(bool forgets) {
  if (!process_) return;
  registration_.timer.reset();
  registration_.in_flight = registration_.is_due = false;
  for (auto& [package, publication] : publications_) {
    publication.timer.reset();
    publication.is_due = false;
    if (std::exchange(publication.in_flight, false)) {
      publication.is_uncertain = true;
      ledger_.strayed(thing(package, publication.asking));
    }
    // What it cannot name it cannot end.
    if (forgets && !publication.etag.empty()) ledger_.strayed(thing(package, publication.token));
    if (forgets) publication.etag.clear();
  }
  for (auto& [topic, subscription] : subscriptions_) {
    subscription.timer.reset();
    ledger_.doubted(thing(subscription));
    if (forgets) subscription.picture = {};
    subscription.dialog.reset();
    subscription.in_flight = subscription.is_due = subscription.is_over = false;
    subscription.call_id.clear();
  }
  if (account_.protocol != transaction::Protocol::udp) ledger_.doubted(binding());
  fetches_.clear();
  process_.reset();
}

void Device::cut_flows() {
  if (process_) process_->port.cut_flows();
}

/// What lived on the connection is over: its contact, and NOTIFYs that were under way.
void Device::on_flow_closed(transaction::FlowId flow) {
  process_->layer.on_flow_closed(flow, world_.now());
  ledger_.doubted(binding());
  for (const auto& [topic, subscription] : subscriptions_) ledger_.doubted(thing(subscription));
  refresh();
}

Time Device::now() const { return world_.now().mono; }

Duration Device::soon() { return Duration(static_cast<Duration::rep>(world_.random().below(2'000'000))); }

Duration Device::after_failure() { return 2s + 3 * soon(); }

void Device::later(std::unique_ptr<Timer>& timer, Duration after, std::function<void()> work) {
  if (!process_) return;
  if (!timer) timer = std::make_unique<Timer>(*process_->timers);
  timer->set(now() + after, [work = std::move(work)](Time) {
    const auto kept = work;  // it may set its timer anew
    kept();
  });
}

std::string Device::contact() const {
  const std::string user = account_.aor.substr(0, account_.aor.find('@'));
  const bool is_stream = transaction::is_reliable(account_.protocol);
  return user + '@' + print(account_.address) + (is_stream ? ";transport=tls" : "");
}

std::string Device::new_call_id() { return fmt::format("{}.{}", account_.name, ++calls_); }

std::string Device::begin(std::string_view method, std::string_view uri, const std::string& to,
                          const std::string& call_id, std::uint32_t cseq, const std::string& tag) const {
  return fmt::format(
      "{} {} SIP/2.0\r\nMax-Forwards: 70\r\nFrom: <{}>;tag={}\r\nTo: <{}>\r\nCall-ID: {}\r\nCSeq: {} {}\r\n",
      method, uri, account_.aor, tag, to, call_id, cseq, method);
}

void Device::send(std::string_view request, OnEnd on_end) {
  process_->layer.send(
      request, {account_.protocol, server_, account_.address, 0},
      [on_end = std::move(on_end)](const Outcome& outcome, Now) {
        if (outcome.kind != Outcome::Kind::provisional) on_end(outcome.status, outcome.response);
      },
      world_.now());
}

// REGISTER

void Device::want_registration(std::chrono::seconds lifetime) {
  registration_.lifetime = lifetime;
  ask_registration();
}

void Device::ask_registration() {
  if (!process_) return;
  if (registration_.in_flight) {
    registration_.is_due = true;
    return;
  }
  const auto lifetime = registration_.lifetime;
  if (lifetime == 0s && !registration_.is_known) return;
  registration_.in_flight = true;
  lifetime > 0s ? ledger_.asked(binding(), lifetime) : ledger_.doubted(binding());
  std::string text = begin("REGISTER", "sip:example.org", account_.aor, registration_.call_id,
                           ++registration_.cseq, "register");
  text += lines({{"Contact", fmt::format("<{}>;+sip.instance=\"<urn:x:{}>\"", contact(), account_.name)},
                 {"Expires", std::to_string(lifetime.count())}});
  send(finish(std::move(text)), [this, lifetime, asked_at = now()](int status, const sip::Message*) {
    registration_.in_flight = false;
    const bool is_taken = status / 100 == 2;
    registration_.is_known = lifetime > 0s || !is_taken;
    if (is_taken && lifetime > 0s)
      ledger_.granted(binding(), asked_at, lifetime);
    else if (is_taken)
      ledger_.ended(binding());
    const Duration pause = !is_taken ? after_failure() : share_of(lifetime);
    if (std::exchange(registration_.is_due, false)) return ask_registration();
    if (!is_taken || lifetime > 0s) later(registration_.timer, pause, [this] { ask_registration(); });
  });
}

// PUBLISH

void Device::want_state(const std::string& package, State state, std::chrono::seconds lifetime) {
  Publication& publication = publications_[package];
  publication.wanted = std::move(state);
  publication.lifetime = lifetime;
  ask_publication(package);
}

/// One of the four of RFC 3903 4: an initial PUBLISH, a refresh, a change, a removal.
void Device::ask_publication(const std::string& package) {
  if (!process_) return;
  Publication& publication = publications_.at(package);
  if (publication.in_flight) {
    publication.is_due = true;
    return;
  }
  const State& wanted = publication.wanted;
  const bool removes = wanted.token.empty();
  const bool is_initial = publication.etag.empty();
  if (removes && is_initial) return;
  const bool changes = !is_initial && wanted.token != publication.token;
  if (changes) ledger_.doubted(thing(package, publication.token));
  // A device that publishes anew may take the place of what it published before.
  if (is_initial)
    for (const std::string& token : publication.tokens) ledger_.doubted(thing(package, token));
  if (!removes) ledger_.asked(thing(package, wanted.token), publication.lifetime);
  if (!removes && (is_initial || changes)) publication.tokens.push_back(wanted.token);
  publication.in_flight = true;
  publication.asking = wanted.token;
  publication.asked_at = now();
  std::string text = begin("PUBLISH", account_.aor, account_.aor, new_call_id(), 1, "publish");
  text += lines({{"Event", package},
                 {"SIP-If-Match", publication.etag},
                 {"Expires", std::to_string(removes ? 0 : publication.lifetime.count())}});
  const bool has_body = is_initial || (changes && !removes);
  send(
      finish(std::move(text), wanted.type, has_body ? wanted.body : ""),
      [this, package](int status, const sip::Message* response) { on_published(package, status, response); });
}

void Device::on_published(const std::string& package, int status, const sip::Message* response) {
  Publication& publication = publications_.at(package);
  publication.in_flight = false;
  const std::string asked = publication.asking;
  Duration pause = after_failure();
  if (status == 200) {
    if (!publication.etag.empty() && publication.token != asked)
      ledger_.ended(thing(package, publication.token));
    publication.etag = asked.empty() ? "" : response->header(HeaderId::sip_etag);
    publication.token = asked;
    publication.is_uncertain = false;
    const std::chrono::seconds lifetime(response->expires().value_or(0));
    publication.until = publication.asked_at + Duration(lifetime);
    if (!asked.empty()) ledger_.granted(thing(package, asked), publication.asked_at, lifetime);
    pause = share_of(lifetime);
  } else if (status == 412) {
    if (!publication.is_uncertain && now() + 2s < publication.until)
      fail("a publication that was acknowledged is lost (412): " + publication.token);
    publication.etag.clear();
    publication.is_uncertain = false;
    pause = 100ms;
  } else {
    // It may be done, or be done later; what it names is then another.
    publication.is_uncertain = true;
    ledger_.strayed(thing(package, asked));
    if (!publication.token.empty()) ledger_.strayed(thing(package, publication.token));
  }
  if (std::exchange(publication.is_due, false)) pause = Duration::zero();
  later(publication.timer, pause, [this, package] { ask_publication(package); });
}

// SUBSCRIBE

void Device::want(const Topic& topic, const Wish& wish) {
  const auto [place, is_new] = subscriptions_.try_emplace(topic, wish);
  place->second.wish = wish;
  place->second.is_wanted = true;
  ask_subscription(topic);
}

void Device::want_no_more(const Topic& topic) {
  const auto found = subscriptions_.find(topic);
  if (found == subscriptions_.end()) return;
  found->second.is_wanted = false;
  ask_subscription(topic);
}

void Device::ask_again(const Topic& topic, Duration after) {
  later(subscriptions_.at(topic).timer, after, [this, topic] { ask_subscription(topic); });
}

void Device::ask_subscription(const Topic& topic) {
  if (!process_) return;
  const auto place = subscriptions_.find(topic);
  if (place == subscriptions_.end()) return;
  Subscription& subscription = place->second;
  if (subscription.in_flight) {
    subscription.is_due = true;
    return;
  }
  const bool is_past = subscription.dialog && subscription.until <= now();
  if (std::exchange(subscription.is_over, false) || is_past) subscription.dialog.reset();
  if (!subscription.is_wanted && !subscription.dialog) {
    subscriptions_.erase(place);
    return;
  }
  const Wish& wish = subscription.wish;
  const bool names_tag = wish.is_conditional && !subscription.picture.entity_tag().empty();
  const auto& [package, whose] = topic;
  std::string text;
  if (!subscription.dialog) {
    if (!names_tag) subscription.picture = {};
    subscription.call_id = new_call_id();
    subscription.local_tag = world_.random().token(4);
    subscription.state.clear();
    subscription.cseq = 1;
    text = begin("SUBSCRIBE", whose, whose, subscription.call_id, 1, subscription.local_tag);
  } else {
    text = subscription.dialog->make_request("SUBSCRIBE").take();
  }
  const auto lifetime = subscription.is_wanted ? wish.lifetime : 0s;
  text += lines({{"Contact", '<' + contact() + '>'},
                 {"Event", package + wish.rates},
                 {"Supported", wish.is_list ? "eventlist" : ""},
                 {"Accept", wish.is_list      ? lists_too
                            : wish.is_partial ? partial_rather
                                              : ""},
                 {"Expires", std::to_string(lifetime.count())},
                 {"Suppress-If-Match", names_tag ? subscription.picture.entity_tag() : ""}});
  subscription.in_flight = true;
  subscription.asked_at = now();
  subscription.is_wanted ? ledger_.asked(thing(subscription), lifetime)
                         : ledger_.doubted(thing(subscription));
  send(finish(std::move(text)), [this, topic, lifetime](int status, const sip::Message* response) {
    Subscription& asked = subscriptions_.at(topic);
    if (lifetime == 0s && status / 100 == 2) {
      asked.is_over = true;
      ledger_.ended(thing(asked));
    }
    on_subscribed(topic, status, response);
  });
}

void Device::on_subscribed(const Topic& topic, int status, const sip::Message* response) {
  Subscription& subscription = subscriptions_.at(topic);
  subscription.in_flight = false;
  subscription.refused = 0;
  Duration pause = after_failure();
  if (status / 100 == 2) {
    if (!subscription.dialog && !subscription.is_over) {
      const auto made = dialog::make_uac_dialog(*response, false);
      if (!made) return fail("a 2xx to SUBSCRIBE makes no dialog\n" + std::string(response->text()));
      subscription.dialog = *made;
    }
    if (subscription.dialog && subscription.dialog->id.remote_tag != response->to_tag())
      fail("one SUBSCRIBE made two subscriptions\n" + std::string(response->text()));
    const std::chrono::seconds granted(response->expires().value_or(0));
    if (granted > 0s && !subscription.is_over)
      ledger_.granted(thing(subscription), subscription.asked_at, granted);
    subscription.until = subscription.asked_at + Duration(granted);
    pause = subscription.is_over ? soon() : share_of(granted);
  } else if (status == 481 || status == 403) {
    if (status == 481 && ledger_.is_sure(thing(subscription)))
      fail("a subscription that was acknowledged is lost (481)\n" + std::string(response->text()));
    subscription.is_over = true;
    if (status == 403) {
      subscription.refused = status;
      subscription.state.clear();
      ledger_.ended(thing(subscription));
      pause = refused_pause + 15 * soon();
    }
  } else if (!subscription.dialog) {
    // Another time, another dialog; this one gets 481 for its NOTIFYs.
    subscription.call_id.clear();
  }
  if (std::exchange(subscription.is_due, false)) pause = Duration::zero();
  ask_again(topic, pause);
}

void Device::refresh() {
  ask_registration();
  for (auto& [package, publication] : publications_)
    later(publication.timer, soon(), [this, &package] { ask_publication(package); });
  for (auto& [topic, subscription] : subscriptions_) ask_again(topic, soon());
}

void Device::leave() {
  want_registration(0s);
  for (auto& [package, publication] : publications_) {
    publication.wanted = {};
    ask_publication(package);
  }
  std::vector<Topic> topics;
  for (const auto& [topic, subscription] : subscriptions_) topics.push_back(topic);
  for (const Topic& topic : topics) want_no_more(topic);
}

void Device::fetch(const Topic& topic, OnFetched done, bool is_list) {
  const std::string call_id = new_call_id();
  const std::string tag = world_.random().token(4);
  fetches_[call_id] = {tag, std::move(done)};
  std::string text = begin("SUBSCRIBE", topic.second, topic.second, call_id, 1, tag);
  text += lines({{"Contact", '<' + contact() + '>'},
                 {"Event", topic.first},
                 {"Supported", is_list ? "eventlist" : ""},
                 {"Accept", is_list ? lists_too : ""},
                 {"Expires", "0"}});
  send(finish(std::move(text)), [this, call_id](int status, const sip::Message*) {
    const auto found = fetches_.find(call_id);
    if (status / 100 == 2 || found == fetches_.end()) return;
    const OnFetched answer = std::move(found->second.done);
    fetches_.erase(found);
    answer(status, {});
  });
}

// NOTIFY

void Device::on_request(transaction::TransactionId id, const Hop&, const sip::Message& request, Now at) {
  const int status = request.method() == Method::notify ? take_notify(request) : 405;
  process_->layer.respond(id, sip::Builder::reply(request, status, "device").finish(), at);
}

int Device::take_notify(const sip::Message& notify) {
  const std::string call_id(notify.call_id());
  for (auto& [topic, subscription] : subscriptions_)
    if (subscription.call_id == call_id) return take_notify(topic, subscription, notify);
  const auto found = fetches_.find(call_id);
  if (found == fetches_.end() || notify.to_tag() != found->second.local_tag) return 481;
  Picture picture;
  if (const auto fault = picture.apply(notify); !fault.empty())
    fail(fault + '\n' + std::string(notify.text()));
  const OnFetched done = std::move(found->second.done);
  fetches_.erase(found);
  done(200, picture);
  return 200;
}

int Device::take_notify(const Topic& topic, Subscription& subscription, const sip::Message& notify) {
  if (notify.to_tag() != subscription.local_tag) return 481;
  if (!subscription.dialog) {
    const auto made = dialog::make_notified_dialog(notify, subscription.cseq, false);
    if (!made) return 400;
    subscription.dialog = *made;
    subscription.until = Time::max();
  }
  if (subscription.dialog->id.remote_tag != notify.from_tag()) {
    fail("one SUBSCRIBE made two subscriptions\n" + std::string(notify.text()));
    return 481;
  }
  if (!subscription.dialog->on_request(notify)) return 500;
  const auto state = sip::parse_subscription_state(notify.header(HeaderId::subscription_state));
  if (!state) return 400;
  if (const auto fault = subscription.picture.apply(notify); !fault.empty())
    fail(fault + '\n' + std::string(notify.text()));
  subscription.state = state->state;
  if (state->state != "terminated") return 200;
  subscription.is_over = true;
  ledger_.ended(thing(subscription));
  const bool is_final = state->reason == "rejected" || state->reason == "noresource";
  if (!subscription.in_flight) ask_again(topic, is_final ? refused_pause + 15 * soon() : soon());
  return 200;
}

}  // namespace beckon::simulation
