#include "server/xcap/documents.hpp"

#include <algorithm>
#include <utility>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "protocol/sip/uri.hpp"
#include "protocol/xml/document.hpp"
#include "server/shard/bucket.hpp"
#include "server/shard/replay.hpp"
#include "server/store/record.hpp"

namespace beckon::server::xcap {

using beckon::xcap::Effect;
using beckon::xcap::make_response;
using beckon::xcap::Problem;
using beckon::xcap::Request;
using beckon::xcap::Response;
using beckon::xcap::Setting;
using beckon::xcap::Stored;
using beckon::xcap::Target;
using beckon::xcap::Usage;

namespace {

/// The answer to a request for a document that the server makes.
Response show_made(const Usage& usage, const Target& target, const Request& request,
                   const std::string& text) {
  const std::string etag = beckon::xcap::etag_of(text);
  return beckon::xcap::effect_of(usage, target, request, Stored{etag, text}, {}, root).response;
}

/// The refusal of what is past a limit of ours: a constraint that no schema has (RFC 4825 11).
Response past(std::string_view what, std::size_t limit) {
  Problem problem{.kind = Problem::Kind::constraint_failure};
  problem.phrase = "there can be no more than " + std::to_string(limit) + ' ';
  problem.phrase += what;
  return make_response(problem);
}

/// "rls-services/index": the usage, by its canonical name, and the document.
std::string key_of(std::string_view canonical, std::string_view document) {
  return std::string(canonical).append("/").append(document);
}
bool is_of(std::string_view canonical, std::string_view key) { return cut(key, '/').first == canonical; }

constexpr std::string_view rules_auid = "pres-rules";

}  // namespace

std::string aor_of(const std::string& user) {
  const bool has_scheme = user.find(':') != std::string::npos;
  const auto uri = sip::parse_uri(has_scheme ? user : "sip:" + user);
  return uri ? sip::canonical_aor(*uri) : std::string();
}

std::optional<std::string> owner_of(std::string_view target) {
  const auto parsed = beckon::xcap::parse_target(target, root);
  if (!parsed || parsed->tree != Target::Tree::users) return std::nullopt;
  std::string aor = aor_of(parsed->user);
  if (aor.empty()) return std::nullopt;
  return aor;
}

Response handle_global(const Request& request, const ServiceIndex& services, bool is_trusted) {
  const auto target = beckon::xcap::parse_target(request.target, root);
  if (!target) return make_response(target.error() == beckon::xcap::Errc::bad_escape ? 400 : 404);
  if (target->tree != Target::Tree::global || target->document != "index") return make_response(404);
  if (target->auid == beckon::xcap::caps_auid) {
    constexpr Usage caps{.auid = beckon::xcap::caps_auid,
                         .canonical = beckon::xcap::caps_auid,
                         .content_type = beckon::xcap::caps_type,
                         .ns = beckon::xcap::caps_ns,
                         .is_made = true};
    return show_made(caps, *target, request, beckon::xcap::print_capabilities());
  }
  if (target->auid != beckon::xcap::rls_services_auid) return make_response(404);
  if (!is_trusted) return make_response(403);
  return show_made(*beckon::xcap::find_usage(target->auid), *target, request,
                   beckon::xcap::print_services(services.index()));
}

/// One request to a tree.
class Documents::Work final : public store::Step {
 public:
  /// `users`: those of the services' URIs that are users; `checked`: all that were looked up.
  struct Lookups {
    std::vector<std::string> checked{}, users{};
  };

  Work(Documents& documents, Entry& entry, std::shared_ptr<const Asking> asking, Request request,
       const Usage& usage, Target target, Lookups lookups, Done done)
      : documents_(documents),
        entry_(entry),
        asking_(std::move(asking)),
        request_(std::move(request)),
        usage_(usage),
        target_(std::move(target)),
        key_(key_of(usage.canonical, target_.document)),
        lookups_(std::move(lookups)),
        done_(std::move(done)) {}

  bool prepare(store::Batch& batch, Now now) override {
    const Tree* tree = entry_.find(documents_.slot_);
    if (has_claimed_) give_back();
    if (asking_->is_gone) return end(make_response(403));
    Effect effect = documents_.effect_of(usage_, target_, request_, tree, entry_.aor());
    const bool changes = effect.text || effect.is_removed;
    if (!changes) return end(std::move(effect.response));
    if (effect.text) {
      const bool is_new = documents_.find(tree, key_) == nullptr;
      const std::size_t documents_max = documents_.environment_.settings().documents_per_user;
      if (is_new && tree && tree->documents.size() >= documents_max)
        return end(past("documents of a user", documents_max));
      for (const auto& [auid, check] : documents_.checks_) {
        const auto problem = auid == usage_.auid ? check(*effect.text) : std::nullopt;
        if (problem) return end(make_response(*problem));
      }
      if (const auto refused = claim(*effect.text)) return end(*refused);
      next_ = Version{documents_.environment_.mint(entry_.bucket()), share(*effect.text)};
      effect.response.etag = next_->etag;
      batch.put(store::Kind::document, key_,
                [&] { return store::RecordWriter().text(next_->etag).text(*next_->text).finish(); });
    } else {
      batch.erase(store::Kind::document, key_);
    }
    response_ = std::move(effect.response);
    batch.durable = true;
    batch.deadline = now.mono + replay_time;
    return true;
  }
  void apply(Now) override {
    log::info("xcap", "{} {} {}", entry_.aor(), key_, next_ ? "written" : "removed");
    documents_.apply(entry_, key_, next_);
  }
  void answer(Now) override { done_(std::move(response_)); }
  void announce(Now now) override { documents_.announce(entry_, key_, next_, now); }
  void refuse(ErrorCode why, Now) override {
    give_back();
    done_(make_response(static_cast<unsigned>(store::status_of(why))));
  }

 private:
  bool end(Response response) {
    done_(std::move(response));
    return false;
  }

  /// The services are those of the document that is there.
  void give_back() {
    const Document* known = documents_.find(entry_.find(documents_.slot_), key_);
    documents_.settle(entry_, key_, known ? *known->version.text : std::string_view());
    has_claimed_ = false;
  }

  /// Takes the URIs of the document's services. The refusal, where others have one of them (RFC 4826 4.4.5).
  std::optional<Response> claim(const std::string& text) {
    if (usage_.canonical != beckon::xcap::rls_services_auid) return std::nullopt;
    const auto document = xml::parse(text);
    if (!document) return make_response(500);
    const auto services = beckon::xcap::service_uris(*document, documents_.setting_of(entry_.aor()));
    const std::size_t services_max = documents_.environment_.settings().services_per_document;
    if (services.size() > services_max) return past("services of a document", services_max);
    std::vector<std::string> uris;
    std::vector<std::size_t> taken;
    for (const auto& service : services) {
      const auto is_in = [&](const auto& list) { return std::ranges::find(list, service.uri) != list.end(); };
      // Another change came between the look-up and this one: the request may be sent again.
      if (!is_in(lookups_.checked)) return make_response(503);
      if (is_in(lookups_.users)) taken.push_back(uris.size());
      uris.push_back(service.uri);
    }
    if (taken.empty()) taken = documents_.services_->claim(entry_.aor(), target_.document, uris);
    has_claimed_ = taken.empty();
    if (has_claimed_) return std::nullopt;
    Problem problem{.kind = Problem::Kind::uniqueness_failure,
                    .phrase = "the URI of a service belongs to somebody"};
    for (const std::size_t i : taken)
      problem.exists.push_back({.field = services[i].field, .alternatives = {free_like(uris[i])}});
    return make_response(problem);
  }

  /// A URI that nobody has.
  std::string free_like(const std::string& uri) const {
    const auto [user, host] = cut(uri, '@');
    for (;;) {
      std::string proposal(user);
      proposal.append("-").append(documents_.environment_.random().token(3)).append("@").append(host);
      if (!documents_.services_->has(proposal)) return proposal;
    }
  }

  Documents& documents_;
  Entry& entry_;  ///< Lives as long as a step of its sequence.
  std::shared_ptr<const Asking> asking_;
  Request request_;
  const Usage& usage_;
  Target target_;
  std::string key_;
  Lookups lookups_;
  Done done_;
  std::optional<Version> next_;  ///< Absent: the document is removed.
  Response response_;
  bool has_claimed_ = false;
};

/// The end of all documents of a user; a fact.
class Documents::Removal final : public store::Step {
 public:
  Removal(Documents& documents, Entry& entry) : documents_(documents), entry_(entry) {}

  bool prepare(store::Batch& batch, Now) override {
    keys_.clear();
    if (const Tree* tree = entry_.find(documents_.slot_))
      for (const Document& document : tree->documents) keys_.push_back(document.key);
    for (const std::string& key : keys_) batch.erase(store::Kind::document, key);
    return !keys_.empty();
  }
  void apply(Now) override {
    log::info("xcap", "{} was removed, and its documents with it", entry_.aor());
    for (const std::string& key : keys_) documents_.apply(entry_, key, std::nullopt);
  }
  void announce(Now now) override {
    for (const std::string& key : keys_) documents_.announce(entry_, key, std::nullopt, now);
  }

 private:
  Documents& documents_;
  Entry& entry_;  ///< Lives as long as a step of its sequence.
  std::vector<std::string> keys_;
};

Documents::Documents(Environment& environment, store::DurableStore& users,
                     std::shared_ptr<ServiceIndex> services)
    : environment_(environment),
      users_(users),
      services_(std::move(services)),
      slot_(environment.directory().take_slot<Tree>()) {
  environment.directory().add(*this);
}

void Documents::handle(Request request, const Identity& who, Done done) {
  const auto target = beckon::xcap::parse_target(request.target, root);
  if (!target) return done(make_response(target.error() == beckon::xcap::Errc::bad_escape ? 400 : 404));
  const std::string aor = aor_of(target->user);
  // A stranger learns nothing about the tree, not even whether its owner exists.
  if (aor.empty() || who.aor != aor) return done(make_response(403));
  const Usage* usage = beckon::xcap::find_usage(target->auid);
  if (!usage) return done(make_response(404));
  if (usage->is_made) return done(make(*usage, *target, request, aor));
  const auto go_on = [this, aor, asking = begin_asking(aor), usage, target = *target, done](
                         Request asked, Work::Lookups lookups) {
    const EntryPtr entry = environment_.directory().get(aor);
    entry->add(std::make_unique<Work>(*this, *entry, asking, std::move(asked), *usage, target,
                                      std::move(lookups), done));
  };
  const bool writes_services =
      usage->canonical == beckon::xcap::rls_services_auid && request.method != beckon::xcap::Method::get;
  if (!writes_services) return go_on(std::move(request), {});
  // Which URIs it would have, as far as that is known before its turn.
  const EntryPtr entry = environment_.directory().find(aor);
  const Effect effect = effect_of(*usage, *target, request, entry ? entry->find(slot_) : nullptr, aor);
  const auto document =
      effect.text ? xml::parse(*effect.text) : Result<xml::Document>(xml::Errc::not_one_root);
  std::vector<std::string> uris;
  if (document)
    for (const auto& service : beckon::xcap::service_uris(*document, setting_of(aor)))
      uris.push_back(service.uri);
  if (uris.size() > environment_.settings().services_per_document) uris.clear();
  auto kept = std::make_shared<Request>(std::move(request));
  look_up(uris, {}, [go_on, uris, kept](std::vector<std::string> users) {
    go_on(std::move(*kept), {.checked = uris, .users = std::move(users)});
  });
}

/// Finds out which of the URIs are users' own, one after the other.
void Documents::look_up(std::vector<std::string> uris, std::vector<std::string> users,
                        std::function<void(std::vector<std::string> users)> done) {
  if (uris.empty()) return done(std::move(users));
  const std::string uri = std::move(uris.back());
  uris.pop_back();
  users_.find_user(uri, [this, uri, uris = std::move(uris), users = std::move(users),
                         done = std::move(done)](Result<store::UserPtr> found) mutable {
    if (found && *found) users.push_back(uri);
    look_up(std::move(uris), std::move(users), std::move(done));
  });
}

Setting Documents::setting_of(const std::string& owner) const {
  return {
      .owner = owner,
      .canonical = [](std::string_view uri) { return aor_of(std::string(uri)); },
      .serves = [this](std::string_view domain) { return environment_.settings().serves(to_lower(domain)); },
      .octets_max = environment_.settings().document_octets};
}

Effect Documents::effect_of(const Usage& usage, const Target& target, const Request& request,
                            const Tree* tree, const std::string& owner) const {
  const Document* known = find(tree, key_of(usage.canonical, target.document));
  const auto stored = known ? std::optional(Stored{known->version.etag, *known->version.text}) : std::nullopt;
  return beckon::xcap::effect_of(usage, target, request, stored, setting_of(owner), root);
}

void Documents::on_user_gone(std::string_view aor, bool removed, Now) {
  if (!removed) return;
  for (const auto& each : asking_)
    if (const auto asking = each.lock(); asking && asking->owner == aor) asking->is_gone = true;
  // There may be no document yet but one that the store is writing.
  const EntryPtr entry = environment_.directory().find(aor);
  if (entry) entry->add_fact(std::make_unique<Removal>(*this, *entry));
}

std::shared_ptr<const Documents::Asking> Documents::begin_asking(const std::string& owner) {
  std::erase_if(asking_, [](const auto& each) { return each.expired(); });
  auto asking = std::make_shared<Asking>(Asking{.owner = owner});
  asking_.push_back(asking);
  return asking;
}

Response Documents::make(const Usage& usage, const Target& target, const Request& request,
                         const std::string& owner) const {
  if (usage.auid == beckon::xcap::directory_auid) {
    if (target.document != beckon::xcap::directory_document) return make_response(404);
    return show_made(usage, target, request, directory_of(owner, request.headers));
  }
  const auto maker = std::ranges::find(makers_, usage.auid, [](const auto& each) { return each.first; });
  if (maker == makers_.end() || target.document != "index") return make_response(404);
  return show_made(usage, target, request, maker->second(owner));
}

/// Its URIs are absolute where the request says how the server is reached.
std::string Documents::directory_of(const std::string& owner, const beckon::xcap::Headers& headers) const {
  const EntryPtr entry = environment_.directory().find(owner);
  const Tree* tree = entry ? entry->find(slot_) : nullptr;
  const auto host = beckon::xcap::find_header(headers, "Host");
  const std::string base = (host ? "https://" + std::string(*host) : std::string()).append(root);
  std::vector<beckon::xcap::DirectoryEntry> entries;
  if (tree) {
    for (const Document& document : tree->documents) {
      const auto [auid, name] = cut(document.key, '/');
      const Target target{.auid = std::string(auid), .user = owner, .document = std::string(name)};
      entries.push_back(
          {std::string(auid), print(target, base), document.version.etag, document.version.text->size()});
    }
  }
  return beckon::xcap::print_directory(entries);
}

const Documents::Document* Documents::find(const Tree* tree, std::string_view key) {
  if (!tree) return nullptr;
  const auto found = std::ranges::find(tree->documents, key, &Document::key);
  return found == tree->documents.end() ? nullptr : &*found;
}

void Documents::apply(Entry& entry, const std::string& key, const std::optional<Version>& next) {
  settle(entry, key, next ? *next->text : std::string_view());
  Tree& tree = entry.get(slot_);
  if (is_of(rules_auid, key)) tree.version = ++version_;
  std::erase_if(tree.documents, [&](const Document& document) { return document.key == key; });
  if (next) tree.documents.push_back({key, *next});
  if (tree.documents.empty()) entry.drop(slot_);
}

void Documents::announce(Entry& entry, const std::string& key, const std::optional<Version>& next, Now now) {
  for (const Observer& observer : observers_) observer(entry, key, next, now);
}

/// What the services of the node are, now that a document has this text (empty: it is gone).
void Documents::settle(const Entry& entry, const std::string& key, std::string_view text) {
  if (!is_of(beckon::xcap::rls_services_auid, key)) return;
  const std::string document(cut(key, '/').second);
  std::vector<ServiceIndex::Service> services;
  if (const auto parsed = xml::parse(text)) {
    for (auto& service : beckon::xcap::service_uris(*parsed, setting_of(entry.aor())))
      services.push_back({std::move(service.uri), entry.aor(), document, std::move(service.text)});
  }
  services_->settle(entry.aor(), document, std::move(services));
}

std::optional<Stored> Documents::find(const Entry& entry, std::string_view canonical,
                                      std::string_view document) const {
  const Document* found = find(entry.find(slot_), key_of(canonical, document));
  return found ? std::optional(Stored{found->version.etag, *found->version.text}) : std::nullopt;
}

std::uint64_t Documents::rules_version(const Entry& entry) const {
  const Tree* tree = entry.find(slot_);
  return tree ? tree->version : 0;
}

const documents::CompiledRules* Documents::rules(const Entry& entry) const {
  Tree* tree = entry.find(slot_);
  if (!tree) return nullptr;
  if (tree->rules_of != tree->version) {
    tree->rules_of = tree->version;
    tree->rules.reset();
    std::vector<documents::Rule> all;
    bool is_set = false;
    for (const Document& document : tree->documents) {
      if (!is_of(rules_auid, document.key)) continue;
      auto rules = documents::parse_pres_rules(*document.version.text);
      if (!rules) continue;
      is_set = true;
      std::ranges::move(rules->rules, std::back_inserter(all));
    }
    if (is_set) tree->rules.emplace(std::move(all));
  }
  return tree->rules ? &*tree->rules : nullptr;
}

const documents::CompiledRules* Documents::rules(std::string_view aor) const {
  const EntryPtr entry = environment_.directory().find(aor);
  return entry ? rules(*entry) : nullptr;
}

void Documents::restore(const store::Record& record, Now) {
  if (record.kind != store::Kind::document) return;
  store::RecordReader reader(record.value);
  const std::string_view etag = reader.text(), text = reader.text();
  if (!reader.ok()) return environment_.directory().skip_unreadable(record.kind);
  apply(*environment_.directory().get(record.aor), record.key, Version{std::string(etag), share(text)});
}

void Documents::reload(Entry& entry, const store::Held& held, Now now) {
  if (!held.durable) return;
  if (const Tree* tree = entry.find(slot_))
    for (const Document& document : tree->documents) settle(entry, document.key, {});
  entry.drop(slot_);
  for (const store::Record& record : held.records) restore(record, now);
}

std::vector<Table> Documents::tables(Now) const {
  Table table{.name = "documents", .rows = {}};
  environment_.directory().each([&](const Entry& entry) {
    const Tree* tree = entry.find(slot_);
    if (!tree) return;
    for (const Document& document : tree->documents)
      table.rows.push_back({{"user", entry.aor()},
                            {"document", document.key},
                            {"etag", document.version.etag},
                            {"octets", std::to_string(document.version.text->size())}});
  });
  std::ranges::sort(table.rows);
  return {std::move(table)};
}

}  // namespace beckon::server::xcap
