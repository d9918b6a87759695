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

}  // namespace

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
  entry.add(publish(request, *package, *expires, std::move(reading)));
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
  const registrar::Binding* binding = registrar_.binding_at(entry, from);
  return binding ? device_of(*binding) : 0;
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
  if (any) entry.add_fact(forgetting(entry));
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
      entry.add_fact(ending(entry, Ends::run_out));
    });
  }
}

void Publications::on_user_gone(std::string_view aor, bool, Now) {
  const EntryPtr entry = services_.directory().find(aor);
  if (entry && entry->find(slot_)) entry->add_fact(ending(*entry, Ends::all));
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
    entry->add_fact(flow_end(*entry, flow));
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
  entry.add_fact(placing(entry, std::move(placed)));
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
    if (entry.find(slot_)) entry.add_fact(ending(entry, Ends::run_out));
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
