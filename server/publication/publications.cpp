#include "server/publication/publications.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <optional>
#include <utility>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "protocol/event/expiry.hpp"
#include "server/shard/request_step.hpp"

namespace beckon::server::publication {

using event::Compositor;
using sip::HeaderId;
using store::Kind;
using Verdict = Compositor::Plan::Verdict;

namespace {

event::Expiry expiry_of(const Lifetimes& lifetimes) {
  using std::chrono::seconds;
  return {seconds(lifetimes.minimum), seconds(lifetimes.standard), seconds(lifetimes.maximum)};
}

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

/// The connection, or the address, that a request came from; 0 for one that came through a proxy, which has
/// many devices behind it.
std::uint64_t source_of(const transaction::Hop& from) {
  if (from.flow != 0) return shorten("flow " + std::to_string(from.flow));
  return shorten(std::string(transaction::via_name(from.protocol)) + ' ' + print(from.remote));
}

std::uint64_t source_of(const Request& request) {
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
    const std::uint64_t source = source_of(request());
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
      if (const auto source = source_of(request())) published.unplaced.push_back({plan_.number, source});
      return;
    }
    for (Unplaced& one : published.unplaced)
      if (one.publication == plan_.number) one.source = source_of(request());
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
  enum class What { run_out, all };
  Ending(Publications& room, Entry& entry, What what) : room_(room), entry_(entry), what_(what) {}

  bool prepare(store::Batch& batch, Now now) override {
    const Published* published = entry_.find(room_.slot_);
    if (!published) return false;
    gone_.clear();
    if (what_ == What::run_out) gone_ = published->compositor.expired(now.mono);
    if (what_ == What::all)
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
    const bool any = !gone_.empty() || (what_ == What::all && !published->farewells.empty());
    put_farewells(*published, batch, now);
    if (!any) room_.settle(entry_);
    return any;
  }
  void apply(Now) override {
    Published& published = *entry_.find(room_.slot_);
    for (const std::uint16_t number : gone_) published.erase(number);
    std::ranges::copy(falling_silent_, std::back_inserter(published.silent));
    if (what_ == What::all) published.farewells.clear();
    room_.keep(std::move(falling_empty_), published);
  }
  void announce(Now now) override {
    room_.announce(entry_, packages_, now);
    room_.settle(entry_);
  }

 private:
  void put_farewells(const Published& published, store::Batch& batch, Now now) {
    falling_empty_.clear();
    if (what_ == What::run_out) falling_empty_ = room_.falling_empty(published, gone_, Seen::renewed, now);
    for (const Farewell& one : falling_empty_)
      batch.put(Kind::publication, farewell_key(*room_.packages_[one.package]),
                [&] { return encode(one.text); });
    if (what_ == What::run_out) return;
    for (const Farewell& one : published.farewells) {
      packages_ |= 1U << one.package;
      batch.erase(Kind::publication, farewell_key(*room_.packages_[one.package]));
    }
  }

  Publications& room_;
  Entry& entry_;
  What what_;
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

Publications::Publications(Services& services, registrar::Registrar& registrar)
    : services_(services),
      registrar_(registrar),
      slot_(services.directory().take_slot<Published>()),
      closing_(services.timers(), services.clock(),
               [this](transaction::FlowId flow, Slice& slice, Now) { return end_flow(flow, slice); }) {
  registrar.observe(*this);
  services.directory().add(*this);
}

Publications::~Publications() = default;

void Publications::add(Package& package) {
  assert(packages_.size() < packages_max);
  package.number_ = static_cast<std::uint8_t>(packages_.size());
  packages_.push_back(&package);
}

bool Publications::has_any(const Entry& presentity, const Package& package) const {
  const Published* published = presentity.find(slot_);
  return published &&
         std::ranges::find(published->compositor.publications(), package.number_,
                           &event::Publication::package) != published->compositor.publications().end();
}

std::string_view Publications::farewell(const Entry& presentity, const Package& package) const {
  const Published* published = presentity.find(slot_);
  if (!published) return {};
  const auto found = std::ranges::find(published->farewells, package.number_, &Farewell::package);
  return found == published->farewells.end() ? std::string_view() : found->text;
}

bool Publications::has_published(const Entry& presentity, const Package& package, Device device) const {
  const Published* published = presentity.find(slot_);
  if (!published) return false;
  const auto all = published->compositor.publications();
  return std::ranges::any_of(all,
                             [&](const event::Publication& publication) {
                               return publication.package == package.number_ && publication.device == device;
                             }) ||
         std::ranges::find(published->silent, Silent{package.number_, device}) != published->silent.end();
}

void Publications::each_presentity(const std::function<void(Entry&)>& visit) const {
  services_.directory().each([&](Entry& entry) {
    if (entry.find(slot_)) visit(entry);
  });
}

std::size_t Publications::size() const {
  std::size_t size = 0;
  each_presentity([&](Entry& entry) {
    const Published& published = *entry.find(slot_);
    size += published.compositor.publications().size() + published.silent.size();
  });
  return size;
}

Package* Publications::find(std::string_view name) const {
  const auto found = std::ranges::find(packages_, name, &Package::name);
  return found == packages_.end() ? nullptr : *found;
}

Serves Publications::serves() const {
  Serves serves{.methods = {sip::Method::publish}};
  for (const Package* package : packages_) {
    serves.events.emplace_back(package->name());
    for (const std::string_view type : package->content_types()) serves.accepts.emplace_back(type);
    if (!package->option_tag().empty()) serves.options.emplace_back(package->option_tag());
  }
  return serves;
}

// A PUBLISH

void Publications::on_request(const RequestPtr& request) {
  const sip::Message& message = request->message;
  if (!request->resource) return services_.respond(*request, 400);
  Entry& entry = *request->resource;
  if (!services_.settings().serves(domain_of_aor(entry.aor()))) return services_.respond(*request, 404);
  if (request->identity.aor != entry.aor()) return services_.respond(*request, 403);
  const auto event = sip::parse_event(message.header(HeaderId::event));
  Package* package = event ? find(event->package) : nullptr;
  if (!package) return services_.respond(*request, 489);
  const event::Expiry expiry = expiry_of(services_.settings().publication);
  const auto expires = expiry.grant(message.expires());
  if (!expires) {
    auto refusal = request->reply(423);
    refusal.add(HeaderId::min_expires, static_cast<std::uint32_t>(expiry.min.count()));
    return services_.respond(*request, std::move(refusal).finish());
  }
  Reading reading;
  if (!message.body().empty()) {
    const auto types = package->content_types();
    if (std::ranges::find(types, sip::media_type(message.header(HeaderId::content_type))) == types.end()) {
      auto refusal = request->reply(415);
      refusal.add(HeaderId::accept, types.front());
      return services_.respond(*request, std::move(refusal).finish());
    }
    reading = package->read(entry, message.body(), *request);
    if (!reading.state && reading.size > package->size_max()) return refuse_size(*request, *package);
    if (!reading.state) return services_.respond(*request, reading.status, reading.reason);
  }
  entry.add(std::make_unique<PublishStep>(*this, request, *package, *expires, std::move(reading)));
}

std::string Publications::warning(std::string_view text) const {
  std::string value = "399 " + services_.settings().domains.front() + " \"";
  value.append(text) += '"';
  return value;
}

/// Past a user's quota (DESIGN 7); 413 would say that this one message is too large.
void Publications::refuse_size(const Request& request, const Package& package) {
  auto refusal = request.reply(403, "Too Much Published");
  refusal.add(HeaderId::warning, warning("more than " + std::to_string(package.size_max()) +
                                         " elements published by all devices together"));
  services_.respond(request, std::move(refusal).finish());
}

Compositor::Limits Publications::limits_of(const Package& package) const {
  return {services_.settings().publications_per_aor, package.size_max()};
}

bool Publications::is_registered(const Entry& entry, Device device) const {
  const auto& bindings = registrar_.bindings(entry);
  return std::ranges::any_of(bindings, [&](const auto& binding) { return device_of(binding) == device; });
}

/// The device that registered over the connection, or from the address, that a PUBLISH came over.
Device Publications::device_on(const Entry& entry, const transaction::Hop& from) const {
  for (const registrar::Binding& binding : registrar_.bindings(entry)) {
    const transaction::Hop known = binding.received();
    const bool same = from.flow != 0
                          ? known.flow == from.flow
                          : known.flow == 0 && known.protocol == from.protocol && known.remote == from.remote;
    if (same && !binding.suspended) return device_of(binding);
  }
  return 0;
}

/// Registered devices that have nothing published any more once the publications `gone` have ended.
Publications::SilentDevices Publications::falling_silent(const Entry& entry, const Published& published,
                                                         const std::vector<std::uint16_t>& gone,
                                                         Device publishing) const {
  SilentDevices silent;
  const auto is_gone = [&](std::uint16_t number) { return std::ranges::find(gone, number) != gone.end(); };
  for (const std::uint16_t number : gone) {
    const auto& ended = *published.compositor.find(number);
    const Silent one{ended.package, ended.device};
    if (one.device == 0 || one.device == publishing || !packages_[one.package]->remembers_devices()) continue;
    const bool speaks =
        std::ranges::any_of(published.compositor.publications(), [&](const event::Publication& other) {
          return other.package == one.package && other.device == one.device && !is_gone(other.number);
        });
    if (speaks || std::ranges::find(silent, one) != silent.end()) continue;
    if (is_registered(entry, one.device)) silent.push_back(one);
  }
  return silent;
}

/// What is left of packages that have nothing published any more once the publications `gone` have ended.
std::vector<Publications::Farewell> Publications::falling_empty(const Published& published,
                                                                const std::vector<std::uint16_t>& gone,
                                                                Seen seen, Now now) const {
  std::vector<Farewell> all;
  const auto is_gone = [&](std::uint16_t number) { return std::ranges::find(gone, number) != gone.end(); };
  for (const Package* package : packages_) {
    const event::Publication* last = nullptr;
    bool is_left = false;
    for (const event::Publication& each : published.compositor.publications()) {
      if (each.package != package->number_) continue;
      is_left |= !is_gone(each.number);
      if (!last || last->renewed <= each.renewed) last = &each;
    }
    if (!last || is_left) continue;
    const Duration ago = seen == Seen::now ? Duration::zero() : now.mono - last->renewed;
    std::string text = package->farewell(static_cast<const State&>(*last->state),
                                         now.wall - std::chrono::round<WallTime::duration>(ago));
    if (!text.empty()) all.push_back({package->number_, std::move(text)});
  }
  return all;
}

void Publications::keep(std::vector<Farewell> farewells, Published& published) const {
  for (Farewell& one : farewells) {
    std::erase_if(published.farewells, [&](const Farewell& old) { return old.package == one.package; });
    published.farewells.push_back(std::move(one));
  }
}

// What happens to a presentity

void Publications::announce(Entry& entry, std::uint32_t packages, Now now, std::optional<Time> published) {
  for (Package* package : packages_)
    if (packages >> package->number_ & 1U) package->on_changed(entry, now, published);
  if (Published* part = entry.find(slot_))
    for (event::Publication& publication : part->compositor.publications())
      static_cast<State&>(*publication.state).on_announced();
}

void Publications::forget_unregistered(Entry& entry) {
  const Published* published = entry.find(slot_);
  if (!published) return;
  const bool any = std::ranges::any_of(published->silent,
                                       [&](const Silent& one) { return !is_registered(entry, one.device); });
  if (any) entry.add_fact(std::make_unique<Forgetting>(*this, entry));
}

/// After each change: sets the timer, or drops the part of a presentity with nothing left.
void Publications::settle(Entry& entry) {
  Published* published = entry.find(slot_);
  if (!published) return;
  count(*published);
  const auto deadline = published->compositor.deadline();
  if (!deadline && published->silent.empty() && published->farewells.empty()) return entry.drop(slot_);
  if (!deadline) {
    published->expiry.cancel();
    published->due = Time::max();
  } else if (*deadline < published->due) {
    // A later deadline leaves the timer as it is: a refresh costs none, and the timer finds nothing to do.
    published->due = *deadline;
    published->expiry.set(*deadline, [this, &entry](Time) {
      entry.find(slot_)->due = Time::max();
      entry.add_fact(std::make_unique<Ending>(*this, entry, Ending::What::run_out));
    });
  }
}

void Publications::on_user_gone(std::string_view aor, bool, Now) {
  const EntryPtr entry = services_.directory().find(aor);
  if (entry && entry->find(slot_))
    entry->add_fact(std::make_unique<Ending>(*this, *entry, Ending::What::all));
}

void Publications::count(Published& published) {
  const auto before = std::exchange(published.counted, {});
  for (const event::Publication& publication : published.compositor.publications())
    ++published.counted[publication.package];
  for (std::size_t package = 0; package < counts_.size(); ++package)
    counts_[package] += std::size_t{published.counted[package]} - before[package];
}

void Publications::on_flow_closed(transaction::FlowId flow, Now) {
  if (flows_.first(flow)) closing_.start(flow);
}

bool Publications::end_flow(transaction::FlowId flow, Slice& slice) {
  while (const EntryPtr entry = flows_.first(flow)) {
    if (!slice.take()) return true;
    flows_.remove(flow, *entry);
    entry->add_fact(std::make_unique<FlowEnd>(*this, *entry, flow));
  }
  return false;
}

void Publications::on_bindings_changed(Entry& presentity, registrar::BindingEvent event,
                                       const registrar::Binding& changed,
                                       const std::vector<registrar::Binding>&, Now) {
  if (!registrar::is_end(event)) place(presentity, changed);
  forget_unregistered(presentity);
}

/// Publications that came from where the device has registered now are the device's. Observers of the
/// registrar that come later see that already.
void Publications::place(Entry& entry, const registrar::Binding& binding) {
  Published* published = entry.find(slot_);
  if (!published || published->unplaced.empty() || binding.suspended || !binding.path().empty()) return;
  const std::uint64_t source = source_of(binding.received());
  std::vector<std::uint16_t> placed;
  for (const Unplaced& one : published->unplaced)
    if (one.source == source) placed.push_back(one.publication);
  if (placed.empty()) return;
  const Device device = device_of(binding);
  for (event::Publication& publication : published->compositor.publications())
    if (std::ranges::find(placed, publication.number) != placed.end()) publication.device = device;
  for (const std::uint16_t number : placed) published->forget_source(number);
  entry.add_fact(std::make_unique<Placing>(*this, entry, std::move(placed)));
}

// Restart

void Publications::restore(const store::Record& record, Now now) {
  if (record.kind != Kind::publication) return;
  const auto [name, key] = cut(record.key, ' ');
  Package* package = find(name);
  if (key.empty()) return services_.directory().skip_unreadable(record.kind);
  if (!package) return services_.directory().skip_unserved(record.kind, name);
  const EntryPtr entry = services_.directory().get(record.aor);
  if (key == "@") {
    store::RecordReader reader(record.value);
    const std::string text(reader.text());
    if (!reader.ok()) return services_.directory().skip_unreadable(record.kind);
    return keep({{package->number_, text}}, entry->get(slot_, services_.timers()));
  }
  if (key.front() != '-') return restore_publication(*entry, *package, key, record, now);
  const auto device = parse_number<Device>(key.substr(1), 16);
  if (!device) return services_.directory().skip_unreadable(record.kind);
  entry->get(slot_, services_.timers()).silent.push_back({package->number_, *device});
}

void Publications::restore_publication(Entry& entry, Package& package, std::string_view key,
                                       const store::Record& record, Now now) {
  store::RecordReader reader(record.value);
  event::Publication publication;
  publication.etag = reader.number();
  publication.device = reader.number();
  const store::Lifetime lifetime =
      reader.lifetime(now.mono, services_.directory().scale(), services_.settings().restart_grace);
  publication.expires = now.mono + lifetime.left;
  publication.renewed = publication.expires - lifetime.granted;
  publication.incomplete = reader.flag();
  Reading reading = package.restore(reader.text());
  const auto number = parse_number<std::uint16_t>(key);
  if (!reader.ok() || !reading.state || !number || *number == 0 || publication.etag == 0)
    return services_.directory().skip_unreadable(record.kind);
  publication.state = std::move(reading.state);
  publication.size = reading.size;
  publication.number = *number;
  publication.package = package.number_;
  Published& published = entry.get(slot_, services_.timers());
  if (published.compositor.restore(std::move(publication), limits_of(package))) return;
  log::warn("publication", "{}: a stored publication of {} elements is past the limit and dropped",
            record.aor, reading.size);
  dropped_.emplace_back(entry.ptr(), record.key);
}

/// Erases the records that were past the limit.
void Publications::drop_past_limit() {
  class Dropping final : public store::Step {
   public:
    explicit Dropping(std::string key) : key_(std::move(key)) {}
    bool prepare(store::Batch& batch, Now) override {
      batch.erase(Kind::publication, key_);
      return true;
    }
    void apply(Now) override {}

   private:
    std::string key_;
  };
  for (auto& [entry, key] : std::exchange(dropped_, {}))
    entry->add_fact(std::make_unique<Dropping>(std::move(key)));
}

void Publications::restored(Now) {
  drop_past_limit();
  each_presentity([&](Entry& entry) {
    forget_unregistered(entry);
    if (entry.find(slot_)) entry.add_fact(std::make_unique<Ending>(*this, entry, Ending::What::run_out));
  });
}

void Publications::reload(Entry& entry, const store::Held& held, Now now) {
  if (held.durable) return;
  if (Published* published = entry.find(slot_)) {
    published->compositor = {};
    count(*published);
    entry.drop(slot_);
  }
  for (const store::Record& record : held.records) restore(record, now);
  drop_past_limit();
  settle(entry);
  announce(entry, (1U << packages_.size()) - 1, now);
}

}  // namespace beckon::server::publication
