#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "server/publication/publications.hpp"
#include "server/shard/request_step.hpp"

// The steps of the sequence of an address-of-record by which what is published changes.
namespace beckon::server::publication {

using event::Compositor;
using sip::HeaderId;
using store::Kind;
using Verdict = Compositor::Plan::Verdict;

namespace {

/// "bk07f.0123456789abcdef".
std::string print_etag(const Entry& entry, std::uint64_t etag) {
  return bucket_prefix(entry.bucket()) + print_short(etag);
}

/// 0, which no publication has, for what `print_etag` does not print.
std::uint64_t parse_etag(const Entry& entry, std::string_view text) {
  const auto dot = text.find('.');
  if (dot == std::string_view::npos) return 0;
  const auto etag = parse_number<std::uint64_t>(text.substr(dot + 1), 16);
  return etag && print_etag(entry, *etag) == text ? *etag : 0;
}

// Keys of records: "presence 3" for a publication, "presence -0123456789abcdef" for a silent device,
// "presence @" for a farewell.

std::string publication_key(const Package& package, std::uint16_t number) {
  return std::string(package.name()) + ' ' + std::to_string(number);
}

std::string silent_key(const Package& package, Device device) {
  return std::string(package.name()) + " -" + print_short(device);
}

std::string farewell_key(const Package& package) { return std::string(package.name()) + " @"; }

std::string encode(const State& state, std::uint64_t etag, Device device, Time expires,
                   std::chrono::seconds granted, const store::TimeScale& scale) {
  store::RecordWriter writer;
  writer.number(etag).number(device).lifetime(granted, expires, scale).flag(!state.is_stored_whole());
  writer.text(state.stored());
  return std::move(writer).finish();
}

std::uint64_t sender_of(const Request& request) {
  unsigned hops = 0;
  for ([[maybe_unused]] const auto& via : request.message.each(HeaderId::via)) ++hops;
  return hops == 1 ? source_of(request.from) : 0;
}

std::string encode_silent() { return store::RecordWriter().finish(); }

std::string encode(std::string_view farewell) {
  store::RecordWriter writer;
  writer.text(farewell);
  return std::move(writer).finish();
}

}  // namespace

/// One PUBLISH whose body has been read.
class Publications::PublishStep final : public RequestStep {
 public:
  PublishStep(Publications& room, RequestPtr request, Package& package, std::chrono::seconds expires,
              Reading reading)
      : RequestStep(room.services_, std::move(request)),
        room_(room),
        package_(package),
        reading_(std::move(reading)) {
    ask_.package = package.number_;
    ask_.expires = expires;
  }

  bool prepare(store::Batch& batch, Now now) override {
    const Published* published = entry().find(room_.slot_);
    static const Compositor none;
    const Compositor& compositor = published ? published->compositor : none;
    speaking_.clear();
    falling_silent_.clear();
    ask(published);
    plan_ = compositor.plan(ask_, room_.limits_of(package_), now.mono);
    if (plan_.verdict != Verdict::taken) {
      refuse_plan();
      return false;
    }
    while (etag_ == 0) etag_ = services().random().next();
    if (published) put_silent(*published, batch);
    if (published) put_farewell(*published, batch, now);
    for (const std::uint16_t number : plan_.displaced) erase(batch, number);
    if (plan_.removes) {
      if (plan_.number != 0) erase(batch, plan_.number);
    } else {
      const event::Publication* before = compositor.find(plan_.number);
      const State* state = reading_.state ? reading_.state.get() : static_cast<State*>(before->state.get());
      if (reading_.state && before) reading_.state->modifies(static_cast<State&>(*before->state));
      batch.put(Kind::publication, publication_key(package_, plan_.number), [&] {
        return encode(*state, etag_, plan_.device, plan_.expires, ask_.expires,
                      services().directory().scale());
      });
    }
    promise(batch, response());
    return true;
  }

  void apply(Now) override {
    auto& published = entry().get(room_.slot_, services().timers());
    State* fresh = reading_.state.get();
    const auto before = published.compositor.apply(plan_, ask_, etag_, std::move(reading_.state));
    for (const Silent& one : speaking_) std::erase(published.silent, one);
    std::ranges::copy(falling_silent_, std::back_inserter(published.silent));
    note_source(published);
    if (!plan_.removes)
      std::erase_if(published.farewells,
                    [&](const Farewell& one) { return one.package == package_.number_; });
    room_.keep(std::move(falling_empty_), published);
    if (fresh && before && !plan_.removes) fresh->inherit(static_cast<State&>(*before));
    if (!plan_.removes) bind_to_flow(published, fresh);
    log::debug("publication", "{} {} {}", entry().aor(), plan_.removes ? "removed" : "published",
               package_.name());
  }

  void announce(Now now) override {
    if (plan_.changes) room_.announce(entry(), 1U << package_.number_, now, request().now.mono);
    if (!falling_silent_.empty()) room_.forget_unregistered(entry());
    room_.settle(entry());
  }

 private:
  Entry& entry() const { return *request().resource; }

  void ask(const Published* published) {
    const sip::Message& message = request().message;
    if (const auto etag = message.header(HeaderId::sip_if_match); !etag.empty())
      ask_.if_match = parse_etag(entry(), etag);
    ask_.state = reading_.state.get();
    ask_.size = reading_.size;
    ask_.device = 0;
    siblings_.clear();
    const Device registered = room_.device_on(entry(), request().from);
    if (ask_.if_match) {
      // A publication stays its first device's, unless the device registered after its PUBLISH.
      if (registered == 0 || !published || !package_.remembers_devices()) return;
      const auto* known = published->compositor.find_etag(package_.number_, *ask_.if_match);
      if (known && known->device != registered && !room_.is_registered(entry(), known->device))
        ask_.device = registered;
      return;
    }
    ask_.device = registered != 0 ? registered : reading_.device;
    is_placed_ = registered != 0;
    if (published) find_siblings(*published, registered);
  }

  /// COMPAT: baresip over TLS publishes twice without SIP-If-Match on one connection: the later document
  /// takes the place of the one with the same tuple. So it does when a registered device has lost its
  /// entity-tag.
  void find_siblings(const Published& published, Device registered) {
    const std::uint64_t source = sender_of(request());
    if (source == 0) return;
    for (const event::Publication& each : published.compositor.publications()) {
      const auto is_from_here = [&](const Unplaced& one) {
        return one.publication == each.number && one.source == source;
      };
      if ((registered != 0 && each.device == registered) ||
          std::ranges::any_of(published.unplaced, is_from_here))
        siblings_.push_back(each.number);
    }
    ask_.siblings = siblings_;
  }

  /// Remembers where the publication came from, for the registration that follows.
  void note_source(Published& published) {
    for (const std::uint16_t number : plan_.displaced) published.forget_source(number);
    const bool is_initial = !ask_.if_match;
    if (plan_.removes || (!is_initial && ask_.device != 0)) return published.forget_source(plan_.number);
    if (is_initial && is_placed_) return;
    if (is_initial && package_.remembers_devices()) {
      if (const auto source = sender_of(request())) published.unplaced.push_back({plan_.number, source});
      return;
    }
    for (Unplaced& one : published.unplaced)
      if (one.publication == plan_.number) one.source = sender_of(request());
  }

  void refuse_plan() {
    if (plan_.verdict == Verdict::unknown_etag) return services().respond(request(), 412);
    if (plan_.verdict == Verdict::no_body) return services().respond(request(), 400);
    room_.refuse_size(request(), package_);
  }

  void erase(store::Batch& batch, std::uint16_t number) {
    batch.erase(Kind::publication, publication_key(package_, number));
  }

  void put_silent(const Published& published, store::Batch& batch) {
    const bool makes = !plan_.removes;
    if (makes && plan_.device != 0) {
      const Silent one{package_.number_, plan_.device};
      if (std::ranges::find(published.silent, one) != published.silent.end()) {
        speaking_.push_back(one);
        batch.erase(Kind::publication, silent_key(package_, one.device));
      }
    }
    std::vector<std::uint16_t> gone = plan_.displaced;
    if (plan_.removes && plan_.number != 0) gone.push_back(plan_.number);
    if (gone.empty()) return;
    falling_silent_ = room_.falling_silent(entry(), published, gone, makes ? plan_.device : 0);
    for (const Silent& one : falling_silent_)
      batch.put(Kind::publication, silent_key(package_, one.device), encode_silent);
  }

  void put_farewell(const Published& published, store::Batch& batch, Now now) {
    falling_empty_.clear();
    if (!plan_.removes) {
      if (!room_.farewell(entry(), package_).empty()) batch.erase(Kind::publication, farewell_key(package_));
      return;
    }
    if (plan_.number == 0) return;
    falling_empty_ = room_.falling_empty(published, {plan_.number}, Seen::now, now);
    for (const Farewell& one : falling_empty_)
      batch.put(Kind::publication, farewell_key(package_), [&] { return encode(one.text); });
  }

  /// Parts of a state live on the connection of its last PUBLISH. The connection may have closed since the
  /// PUBLISH came in.
  void bind_to_flow(Published& published, State* fresh) {
    const transaction::FlowId flow = request().from.flow;
    if (flow == 0) return;
    for (event::Publication& publication : published.compositor.publications()) {
      if (publication.number != plan_.number) continue;
      State& state = static_cast<State&>(*publication.state);
      if (!fresh) state.move_to(flow);
      if (state.flow() == 0) return;
      if (!services().directory().is_closed(state.flow())) return room_.flows_.add(state.flow(), entry());
      state.drop_flow_parts();
      publication.incomplete = plan_.changes = true;
    }
  }

  std::string response() const {
    auto reply = request().reply(200);
    reply.add(HeaderId::sip_etag, print_etag(entry(), etag_));
    reply.add(HeaderId::expires, static_cast<std::uint32_t>(ask_.expires.count()));
    if (const auto tag = package_.option_tag(); !tag.empty()) reply.add(HeaderId::supported, tag);
    if (!reading_.warning.empty()) reply.add(HeaderId::warning, room_.warning(reading_.warning));
    return std::move(reply).finish();
  }

  Publications& room_;
  Package& package_;
  Reading reading_;
  Compositor::Request ask_;
  Compositor::Plan plan_;
  std::uint64_t etag_ = 0;
  SilentDevices speaking_, falling_silent_;  ///< No longer silent; silent from now on.
  std::vector<Farewell> falling_empty_;
  std::vector<std::uint16_t> siblings_;
  bool is_placed_ = false;  ///< Its device had registered from where it came.
};

/// Ends what has run out, or all.
class Publications::Ending final : public store::Step {
 public:
  Ending(Publications& room, Entry& entry, Ends which) : room_(room), entry_(entry), which_(which) {}

  bool prepare(store::Batch& batch, Now now) override {
    const Published* published = entry_.find(room_.slot_);
    if (!published) return false;
    gone_.clear();
    if (which_ == Ends::run_out) gone_ = published->compositor.expired(now.mono);
    if (which_ == Ends::all)
      for (const event::Publication& each : published->compositor.publications())
        gone_.push_back(each.number);
    for (const std::uint16_t number : gone_) {
      const auto package = published->compositor.find(number)->package;
      packages_ |= 1U << package;
      batch.erase(Kind::publication, publication_key(*room_.packages_[package], number));
    }
    falling_silent_ = room_.falling_silent(entry_, *published, gone_, 0);
    for (const Silent& one : falling_silent_)
      batch.put(Kind::publication, silent_key(*room_.packages_[one.package], one.device), encode_silent);
    const bool any = !gone_.empty() || (which_ == Ends::all && !published->farewells.empty());
    put_farewells(*published, batch, now);
    if (!any) room_.settle(entry_);
    return any;
  }
  void apply(Now) override {
    Published& published = *entry_.find(room_.slot_);
    for (const std::uint16_t number : gone_) published.erase(number);
    std::ranges::copy(falling_silent_, std::back_inserter(published.silent));
    if (which_ == Ends::all) published.farewells.clear();
    room_.keep(std::move(falling_empty_), published);
  }
  void announce(Now now) override {
    room_.announce(entry_, packages_, now);
    room_.settle(entry_);
  }

 private:
  void put_farewells(const Published& published, store::Batch& batch, Now now) {
    falling_empty_.clear();
    if (which_ == Ends::run_out) falling_empty_ = room_.falling_empty(published, gone_, Seen::renewed, now);
    for (const Farewell& one : falling_empty_)
      batch.put(Kind::publication, farewell_key(*room_.packages_[one.package]),
                [&] { return encode(one.text); });
    if (which_ == Ends::run_out) return;
    for (const Farewell& one : published.farewells) {
      packages_ |= 1U << one.package;
      batch.erase(Kind::publication, farewell_key(*room_.packages_[one.package]));
    }
  }

  Publications& room_;
  Entry& entry_;
  Ends which_;
  std::vector<std::uint16_t> gone_;
  SilentDevices falling_silent_;
  std::vector<Farewell> falling_empty_;
  std::uint32_t packages_ = 0;
};

/// A connection closed: what lived on it ends. The store never had it.
class Publications::FlowEnd final : public store::Step {
 public:
  FlowEnd(Publications& room, Entry& entry, transaction::FlowId flow)
      : room_(room), entry_(entry), flow_(flow) {}

  bool prepare(store::Batch&, Now now) override {
    Published* published = entry_.find(room_.slot_);
    if (!published) return false;
    std::uint32_t packages = 0;
    for (event::Publication& publication : published->compositor.publications()) {
      State& state = static_cast<State&>(*publication.state);
      if (state.flow() != flow_) continue;
      state.drop_flow_parts();
      publication.incomplete = true;
      packages |= 1U << publication.package;
    }
    room_.announce(entry_, packages, now);
    return false;
  }
  void apply(Now) override {}

 private:
  Publications& room_;
  Entry& entry_;
  transaction::FlowId flow_;
};

/// The device of publications is known, as it has registered: their records follow. Of two that it made with
/// one tuple, the older one ends.
class Publications::Placing final : public store::Step {
 public:
  Placing(Publications& room, Entry& entry, std::vector<std::uint16_t> placed)
      : room_(room), entry_(entry), placed_(std::move(placed)) {}

  bool prepare(store::Batch& batch, Now) override {
    const Published* published = entry_.find(room_.slot_);
    if (!published) return false;
    for (const std::uint16_t number : placed_) {
      const event::Publication* own = published->compositor.find(number);
      if (!own) continue;
      find_older(*published, *own);
      const auto& state = static_cast<const State&>(*own->state);
      const auto granted = std::chrono::round<std::chrono::seconds>(own->expires - own->renewed);
      batch.put(Kind::publication, publication_key(*room_.packages_[own->package], number), [&] {
        return encode(state, own->etag, own->device, own->expires, granted,
                      room_.services_.directory().scale());
      });
    }
    for (const std::uint16_t number : gone_)
      batch.erase(Kind::publication,
                  publication_key(*room_.packages_[published->compositor.find(number)->package], number));
    return true;
  }
  void apply(Now) override {
    Published& published = *entry_.find(room_.slot_);
    for (const std::uint16_t number : gone_) published.erase(number);
  }
  void announce(Now now) override {
    if (packages_ != 0) room_.announce(entry_, packages_, now);
    room_.settle(entry_);
  }

 private:
  void find_older(const Published& published, const event::Publication& own) {
    for (const event::Publication& other : published.compositor.publications()) {
      if (other.number == own.number || other.package != own.package || other.device != own.device) continue;
      if (other.renewed >= own.renewed || std::ranges::find(gone_, other.number) != gone_.end()) continue;
      if (!own.state->supersedes(*other.state)) continue;
      gone_.push_back(other.number);
      packages_ |= 1U << own.package;
    }
  }

  Publications& room_;
  Entry& entry_;
  std::vector<std::uint16_t> placed_, gone_;
  std::uint32_t packages_ = 0;
};

/// Forgets silent devices that are no longer registered.
class Publications::Forgetting final : public store::Step {
 public:
  Forgetting(Publications& room, Entry& entry) : room_(room), entry_(entry) {}

  bool prepare(store::Batch& batch, Now) override {
    const Published* published = entry_.find(room_.slot_);
    gone_.clear();
    if (!published) return false;
    for (const Silent& one : published->silent) {
      if (room_.is_registered(entry_, one.device)) continue;
      gone_.push_back(one);
      batch.erase(Kind::publication, silent_key(*room_.packages_[one.package], one.device));
    }
    return !gone_.empty();
  }
  void apply(Now) override {
    Published& published = *entry_.find(room_.slot_);
    for (const Silent& one : gone_) std::erase(published.silent, one);
    room_.settle(entry_);
  }

 private:
  Publications& room_;
  Entry& entry_;
  SilentDevices gone_;
};

std::unique_ptr<store::Step> Publications::publish(const RequestPtr& request, Package& package,
                                                   std::chrono::seconds expires, Reading reading) {
  return std::make_unique<PublishStep>(*this, request, package, expires, std::move(reading));
}

std::unique_ptr<store::Step> Publications::ending(Entry& entry, Ends which) {
  return std::make_unique<Ending>(*this, entry, which);
}

std::unique_ptr<store::Step> Publications::flow_end(Entry& entry, transaction::FlowId flow) {
  return std::make_unique<FlowEnd>(*this, entry, flow);
}

std::unique_ptr<store::Step> Publications::placing(Entry& entry, std::vector<std::uint16_t> placed) {
  return std::make_unique<Placing>(*this, entry, std::move(placed));
}

std::unique_ptr<store::Step> Publications::forgetting(Entry& entry) {
  return std::make_unique<Forgetting>(*this, entry);
}

}  // namespace beckon::server::publication
