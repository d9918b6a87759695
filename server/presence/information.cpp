#include "server/presence/information.hpp"

#include <algorithm>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "protocol/event/expiry.hpp"
#include "server/presence/record.hpp"
#include "server/shard/replay.hpp"

namespace beckon::server::presence {

using sip::HeaderId;

namespace {

/// PUBLISHes of one presentity that may wait for the store; more come only from a broken client.
constexpr std::size_t waiting_max = 32;
constexpr std::string_view option_tag = "beckon-direct";

bool is_presence_document(std::string_view content_type) {
  const std::string type = sip::media_type(content_type);
  return type == documents::pidf_type || type == documents::cpim_pidf_type;
}

event::Expiry expiry_of(const Lifetimes& lifetimes) {
  using std::chrono::seconds;
  return {seconds(lifetimes.minimum), seconds(lifetimes.standard), seconds(lifetimes.maximum)};
}

Arrival arrival_of(const Request& request) {
  return {.secure = transaction::is_secure(request.from.protocol),
          .requires_direct = request.message.lists(HeaderId::require, option_tag),
          .flow = request.from.flow};
}

/// Which device, where its registration does not tell: the tuple it publishes (DIRECT_SESSIONS 3.3).
std::string device_of(const Publication& publication) {
  const auto& tuples = publication.presence.tuples;
  return tuples.empty() ? std::string() : "tuple:" + tuples.front().id;
}

bool shares_tuple(const Publication& a, const Publication& b) {
  return std::any_of(a.presence.tuples.begin(), a.presence.tuples.end(), [&](const documents::Tuple& tuple) {
    return std::any_of(b.presence.tuples.begin(), b.presence.tuples.end(),
                       [&](const documents::Tuple& other) { return other.id == tuple.id; });
  });
}

}  // namespace

/// A PUBLISH that was read and waits for its turn.
struct PresenceInformation::Job {
  RequestPtr request;
  std::chrono::seconds expires{};
  std::optional<ReadPublication> read;  ///< Absent: no body.
};

struct PresenceInformation::Entry {
  Entry(std::string aor, event::Compositor compositor, TimerQueue& timers)
      : presentity(std::move(aor), std::move(compositor)), expiry(timers) {}
  Presentity presentity;
  std::deque<Job> waiting;
  bool committing = false;
  std::set<transaction::FlowId> lost;  ///< Connections that went while the store was writing.
  Timer expiry;
};

PresenceInformation::PresenceInformation(Services& services, const registrar::Registrar& registrar,
                                         OnChange on_change)
    : services_(services), registrar_(registrar), on_change_(std::move(on_change)) {}

PresenceInformation::~PresenceInformation() = default;

PresenceInformation::Entry& PresenceInformation::entry(const std::string& aor) {
  auto& place = entries_[aor];
  if (!place) {
    const Bucket bucket = bucket_of(aor);
    event::Compositor compositor({services_.settings().publications_per_aor},
                                 [this, bucket] { return services_.mint(bucket); });
    place = std::make_unique<Entry>(aor, std::move(compositor), services_.timers());
    place->presentity.on_bindings_changed(registrar_.bindings(aor));
  }
  return *place;
}

void PresenceInformation::on_publish(const RequestPtr& request) {
  const sip::Message& message = request->message;
  const auto to = message.to();
  if (!to) return services_.respond(*request, 400);
  const std::string aor = sip::canonical_aor(to->uri);
  if (!services_.settings().serves(to->uri.host)) return services_.respond(*request, 404);
  if (request->identity.aor != aor) return services_.respond(*request, 403);
  const event::Expiry expiry = expiry_of(services_.settings().publication);
  const auto expires = expiry.grant(message.expires());
  if (!expires) {
    auto refusal = request->reply(423);
    refusal.add(HeaderId::min_expires, static_cast<std::uint32_t>(expiry.min.count()));
    return services_.respond(*request, std::move(refusal).finish());
  }
  Job job{request, *expires, std::nullopt};
  if (!message.body().empty()) {
    if (!is_presence_document(message.header(HeaderId::content_type))) {
      auto refusal = request->reply(415);
      refusal.add(HeaderId::accept, documents::pidf_type);
      return services_.respond(*request, std::move(refusal).finish());
    }
    auto result = read_publication(message.body(), arrival_of(*request));
    if (!result.value && result.fault == PublishFault::exposed_secret)
      return services_.respond(*request, 403, "Secret Over Insecure Transport");
    if (!result.value) return services_.respond(*request, 400, "Bad Presence Document");
    job.read = std::move(result.value);
  }
  Entry& place = entry(aor);
  if (place.waiting.size() >= waiting_max) return services_.respond(*request, 503);
  place.waiting.push_back(std::move(job));
  run(aor);
}

void PresenceInformation::run(const std::string& aor) {
  for (Entry* place = &entry(aor); !place->committing && !place->waiting.empty();) {
    Job job = std::move(place->waiting.front());
    place->waiting.pop_front();
    take(aor, std::move(job));
  }
  forget_if_idle(aor);
}

void PresenceInformation::take(const std::string& aor, Job job) {
  const Request& request = *job.request;
  Entry& place = entry(aor);
  const Now now = services_.clock().now();
  event::Compositor next = place.presentity.compositor();
  event::Compositor::Request asked;
  asked.if_match = std::string(request.message.header(HeaderId::sip_if_match));
  asked.expires = job.expires;
  asked.instance = device_on(aor, request.from);
  std::vector<std::string> replaced;
  if (job.read) {
    asked.content_type = std::string(request.message.header(HeaderId::content_type));
    asked.document = share(std::move(job.read->storable));
    asked.data = job.read->had_direct ? direct_mark : "";
    if (asked.instance.empty()) asked.instance = device_of(job.read->publication);
    // What came back from the store without its <direct> gives way to the same device's new one, also when
    // the device has not registered yet and only its tuple id tells who it is.
    if (asked.if_match.empty())
      for (const auto& [id, old] : place.presentity.publications()) {
        const auto* known = next.find(id);
        if (known && known->incomplete && shares_tuple(old, job.read->publication)) replaced.push_back(id);
      }
    for (const std::string& id : replaced) next.erase(id);
  }
  auto answer = next.on_publish(asked, now.mono);
  answer.displaced.insert(answer.displaced.end(), replaced.begin(), replaced.end());
  if (answer.status != 200) return services_.respond(request, answer.status);
  commit(aor, std::move(job), std::move(next), answer);
}

void PresenceInformation::commit(const std::string& aor, Job job, event::Compositor next,
                                 const event::Compositor::Answer& answer) {
  Entry& place = entry(aor);
  place.committing = true;
  if (const auto flow = job.request->from.flow; flow != 0) flows_[flow].insert(aor);
  const Now now = services_.clock().now();
  const std::string response = answer_to(job, answer);
  store::Batch batch{.aor = aor};
  const auto erase = [&](const std::string& id) {
    batch.changes.push_back({.record = {store::Kind::publication, aor, id, {}}, .erase = true});
  };
  for (const std::string& id : answer.displaced) erase(id);
  if (answer.removed)
    erase(answer.id);
  else
    batch.changes.push_back(
        {.record = {store::Kind::publication, aor, answer.id, print(*next.find(answer.id), now)}});
  batch.answer = services_.answer(*job.request, aor, response);
  batch.deadline = job.request->now.mono + replay_time;
  auto kept = std::make_shared<std::pair<Job, event::Compositor>>(std::move(job), std::move(next));
  services_.store().commit(
      std::move(batch), [this, aor, kept, answer, response](Result<store::Version> done) {
        auto& [finished, compositor] = *kept;
        entry(aor).committing = false;
        if (done) {
          services_.respond(*finished.request, response);
          committed(aor, finished, std::move(compositor), answer);
        } else {
          log::error("presence", "{} publication not stored: {}", aor, done.error().message());
          services_.respond(*finished.request, done.error() == store::Errc::late ? 503 : 500);
        }
        settle(aor);
        run(aor);
      });
}

/// What had to wait while a change was being written.
void PresenceInformation::settle(const std::string& aor) {
  Entry& place = entry(aor);
  bool dropped = false;
  for (const transaction::FlowId flow : std::exchange(place.lost, {}))
    dropped |= place.presentity.on_flow_closed(flow);
  arm(aor, place);
  if (dropped) on_change_(aor, services_.clock().now());
}

void PresenceInformation::committed(const std::string& aor, Job& job, event::Compositor next,
                                    const event::Compositor::Answer& answer) {
  const Now now = services_.clock().now();
  Entry& place = entry(aor);
  Presentity& presentity = place.presentity;
  const transaction::FlowId flow = job.request->from.flow;
  std::optional<Publication> publication;
  if (job.read) publication = std::move(job.read->publication);
  if (answer.changed || job.read) {
    presentity.apply(std::move(next), answer.id, std::move(publication));
  } else {
    presentity.apply_refresh(std::move(next));
    if (flow != 0) presentity.move_flow(answer.id, flow);
  }
  log::debug("presence", "{} {} version {}", aor, answer.removed ? "unpublished" : "published",
             presentity.version());
  if (answer.changed) on_change_(aor, now);
}

std::string PresenceInformation::answer_to(const Job& job, const event::Compositor::Answer& answer) const {
  auto reply = job.request->reply(200);
  reply.add(HeaderId::sip_etag, answer.etag);
  reply.add(HeaderId::expires, static_cast<std::uint32_t>(job.expires.count()));
  reply.add(HeaderId::supported, option_tag);
  if (job.read && !job.read->warning.empty())
    reply.add(HeaderId::warning, "399 " + services_.settings().domains.front() +
                                     " \"direct removed: " + job.read->warning + '"');
  return std::move(reply).finish();
}

/// The device that registered over the connection (or from the address) a PUBLISH came over.
std::string PresenceInformation::device_on(std::string_view aor, const transaction::Hop& from) const {
  for (const registrar::Binding& binding : registrar_.bindings(aor)) {
    const transaction::Hop known = binding.received();
    const bool same = from.flow != 0
                          ? known.flow == from.flow
                          : known.flow == 0 && known.protocol == from.protocol && known.remote == from.remote;
    if (same && !binding.suspended) return presence::device_of(binding);
  }
  return {};
}

void PresenceInformation::on_bindings_changed(std::string_view aor, registrar::BindingEvent event,
                                              const std::vector<registrar::Binding>& bindings, Now now) {
  using registrar::BindingEvent;
  const std::string key(aor);
  const auto known = entries_.find(key);
  // Of somebody who never published nothing is kept to compare with: the registrar's word must do.
  const bool changed = known != entries_.end()
                           ? known->second->presentity.on_bindings_changed(bindings)
                           : event != BindingEvent::refreshed && event != BindingEvent::shortened;
  if (changed) on_change_(key, now);
  forget_if_idle(key);
}

void PresenceInformation::on_flow_closed(transaction::FlowId flow, Now now) {
  const auto found = flows_.find(flow);
  if (found == flows_.end()) return;
  const auto aors = std::move(found->second);
  flows_.erase(found);
  for (const std::string& aor : aors) {
    const auto found_entry = entries_.find(aor);
    if (found_entry == entries_.end()) continue;
    Entry& place = *found_entry->second;
    if (place.committing)
      place.lost.insert(flow);
    else if (place.presentity.on_flow_closed(flow))
      on_change_(aor, now);
  }
}

void PresenceInformation::expire(const std::string& aor, Now now) {
  Entry& place = entry(aor);
  // A PUBLISH that is being written has a copy of the set; what ran out meanwhile goes after it.
  if (!place.committing) {
    const auto ids = place.presentity.expire(now.mono);
    store::Batch batch{.aor = aor};
    for (const std::string& id : ids)
      batch.changes.push_back({.record = {store::Kind::publication, aor, id, {}}, .erase = true});
    arm(aor, place);
    if (!ids.empty()) {
      services_.store().commit(std::move(batch), [](Result<store::Version>) {});
      on_change_(aor, now);
    }
  }
  forget_if_idle(aor);
}

void PresenceInformation::arm(const std::string& aor, Entry& place) {
  const auto deadline = place.presentity.compositor().deadline();
  if (!deadline) return place.expiry.cancel();
  place.expiry.set(*deadline, [this, aor](Time) { expire(aor, services_.clock().now()); });
}

void PresenceInformation::forget_if_idle(const std::string& aor) {
  const auto found = entries_.find(aor);
  if (found == entries_.end()) return;
  const Entry& place = *found->second;
  if (place.presentity.idle() && place.waiting.empty() && !place.committing) entries_.erase(found);
}

SharedText PresenceInformation::render(std::string_view aor, const documents::Transformations& what,
                                       bool secure, const std::string& watcher) {
  const std::string key(aor);
  // Watchers are told from inside changes of an entry: one that was here before is not ours to forget.
  const bool known = entries_.count(key) != 0;
  SharedText text = entry(key).presentity.render(what, secure, watcher, services_.random());
  if (!known) forget_if_idle(key);
  return text;
}

std::string PresenceInformation::render_nothing(std::string_view aor) {
  documents::Presence presence;
  presence.entity = std::string(aor);
  presence.tuples.emplace_back();
  presence.tuples.back().id = "offline";
  presence.tuples.back().basic = documents::Basic::closed;
  return documents::print(presence);
}

void PresenceInformation::each_grant_holder(std::string_view aor,
                                            const std::function<void(const std::string&)>& visit) const {
  const auto found = entries_.find(aor);
  if (found != entries_.end()) found->second->presentity.each_grant_holder(visit);
}

void PresenceInformation::restore(const store::Record& record, Now now) {
  if (record.kind != store::Kind::publication) return;
  auto publication = parse_publication(record.key, record.value, now);
  auto read = publication ? read_publication(*publication->document, {}).value : std::nullopt;
  if (!read) return log::warn("presence", "{}: a stored publication cannot be read", record.aor);
  entry(record.aor).presentity.restore(std::move(*publication), std::move(read->publication));
}

void PresenceInformation::restored(Now now) {
  std::vector<std::string> aors;
  for (const auto& [aor, place] : entries_) aors.push_back(aor);
  for (const std::string& aor : aors) {
    // The registrar has its bindings back only now.
    entry(aor).presentity.on_bindings_changed(registrar_.bindings(aor));
    expire(aor, now);
  }
}

Table PresenceInformation::table() const {
  Table table{.name = "PIT", .rows = {}};
  for (const auto& [aor, place] : entries_) {
    for (const documents::Tuple& tuple : place->presentity.compose().tuples) {
      const auto direct = documents::find_direct(tuple);
      std::string media, codecs, port;
      for (const auto& kind : direct ? direct->media : std::vector<documents::Media>()) {
        media += (media.empty() ? "" : ",") + std::string(to_string(kind.kind));
        for (const auto& codec : kind.codecs) codecs += (codecs.empty() ? "" : ",") + codec.name;
      }
      if (direct && !direct->candidates.empty())
        port = std::to_string(direct->candidates.front().address.port);
      table.rows.push_back({{"id", aor + ' ' + tuple.id},
                            {"status", tuple.basic ? documents::to_string(*tuple.basic) : ""},
                            {"contact", tuple.contact ? tuple.contact->uri : ""},
                            {"note", tuple.notes.empty() ? "" : tuple.notes.front().text},
                            {"timestamp", tuple.timestamp},
                            {"media", media},
                            {"port", port},
                            {"codec", codecs},
                            {"direct_mode", direct ? ds1::to_string(direct->mode) : ""}});
    }
  }
  return table;
}

}  // namespace beckon::server::presence
