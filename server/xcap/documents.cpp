#include "server/xcap/documents.hpp"

#include <algorithm>
#include <utility>

#include "protocol/base/log.hpp"
#include "server/shard/bucket.hpp"
#include "server/shard/replay.hpp"
#include "server/store/record.hpp"

namespace beckon::server::xcap {

using beckon::xcap::Method;
using beckon::xcap::Precondition;
using beckon::xcap::Problem;
using beckon::xcap::Request;
using beckon::xcap::Response;
using beckon::xcap::Target;
using beckon::xcap::Usage;

namespace {

Response plain(unsigned status, std::string etag = {}) {
  Response response;
  response.status = status;
  response.etag = std::move(etag);
  return response;
}

Response not_allowed(std::string_view allowed = "GET, HEAD, PUT, DELETE") {
  Response response = plain(405);
  response.headers.emplace_back("Allow", allowed);
  return response;
}

bool are_rules(std::string_view key) { return key.starts_with("pres-rules/"); }

Response show(const Request& request, std::string_view content_type, std::string etag,
              const std::string& text) {
  Response response = plain(200, std::move(etag));
  response.content_type = content_type;
  if (request.method == Method::get) response.body = text;
  return response;
}

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

Response handle_global(const Request& request) {
  const auto target = beckon::xcap::parse_target(request.target, root);
  if (!target) return plain(target.error() == beckon::xcap::Errc::bad_escape ? 400 : 404);
  const bool is_caps = target->auid == beckon::xcap::caps_auid && target->tree == Target::Tree::global &&
                       target->document == "index" && !target->has_node;
  if (!is_caps) return plain(404);
  if (request.method != Method::get && request.method != Method::head) return not_allowed();
  return show(request, beckon::xcap::caps_type, {}, beckon::xcap::print_capabilities());
}

/// The documents of one user.
struct Documents::Tree final : Part {
  std::vector<Document> documents;
  std::uint64_t version = 0;
  std::optional<documents::Rules> rules;  ///< Of `rules_of`.
  std::uint64_t rules_of = 0;             ///< The version that `rules` was read from.
};

/// One request to a tree.
class Documents::Work final : public store::Step {
 public:
  Work(Documents& documents, Entry& entry, Request request, const Usage& usage, std::string key, Done done)
      : documents_(documents),
        entry_(entry),
        request_(std::move(request)),
        usage_(usage),
        key_(std::move(key)),
        done_(std::move(done)) {}

  bool prepare(store::Batch& batch, Now now) override {
    const Tree* tree = entry_.find(documents_.slot_);
    const Document* known = documents_.find(tree, key_);
    const auto etag = known ? std::optional<std::string_view>(known->etag) : std::nullopt;
    const auto precondition = beckon::xcap::evaluate_preconditions(request_.method, etag, request_.headers);
    if (precondition == Precondition::failed) return end(plain(412));
    if (precondition == Precondition::not_modified)
      return end(plain(304, known ? known->etag : std::string()));
    if (request_.method == Method::put) {
      if (auto problem = problem_of(tree, known)) return end(beckon::xcap::make_response(*problem));
      next_ = Document{key_, documents_.environment_.mint(entry_.bucket()), request_.body};
      response_ = plain(known ? 200 : 201, next_->etag);
      batch.put(store::Kind::document, key_,
                [&] { return store::RecordWriter().text(next_->etag).text(next_->text).finish(); });
    } else {
      if (!known) return end(plain(404));
      if (request_.method != Method::del)
        return end(show(request_, usage_.content_type, known->etag, known->text));
      response_ = plain(200);
      batch.erase(store::Kind::document, key_);
    }
    batch.durable = true;
    batch.deadline = now.mono + replay_time;
    return true;
  }
  void apply(Now) override {
    log::info("xcap", "{} {} {}", entry_.aor(), key_, next_ ? "written" : "removed");
    documents_.apply(entry_, key_, std::move(next_));
  }
  void answer(Now) override { done_(std::move(response_)); }
  void refuse(ErrorCode why, Now) override {
    const bool may_succeed_later =
        why == store::Errc::overload || why == store::Errc::late || why == store::Errc::conflict;
    done_(plain(may_succeed_later ? 503 : 500));
  }

 private:
  bool end(Response response) {
    done_(std::move(response));
    return false;
  }
  std::optional<Problem> problem_of(const Tree* tree, const Document* known) const {
    const auto type =
        beckon::xcap::find_header(request_.headers, "Content-Type").value_or(std::string_view{});
    if (auto problem = beckon::xcap::validate(usage_, type, request_.body)) return problem;
    for (const auto& [auid, check] : documents_.checks_)
      if (auid == usage_.auid)
        if (auto problem = check(request_.body)) return problem;
    if (known || !tree || tree->documents.size() < documents_per_user) return std::nullopt;
    return Problem{409, Problem::Kind::constraint_failure, "too many documents"};
  }

  Documents& documents_;
  Entry& entry_;  ///< Lives as long as a step of its sequence.
  Request request_;
  const Usage& usage_;
  std::string key_;
  Done done_;
  std::optional<Document> next_;  ///< Absent: the document is removed.
  Response response_;
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

 private:
  Documents& documents_;
  Entry& entry_;  ///< Lives as long as a step of its sequence.
  std::vector<std::string> keys_;
};

Documents::Documents(Environment& environment)
    : environment_(environment), slot_(environment.directory().take_slot<Tree>()) {
  environment.directory().add(*this);
}

void Documents::handle(Request request, const Identity& who, Done done) {
  const auto target = beckon::xcap::parse_target(request.target, root);
  if (!target) return done(handle_global(request));
  const std::string aor = aor_of(target->user);
  // A stranger learns nothing about the tree, not even whether its owner exists.
  if (aor.empty() || who.aor != aor) return done(plain(403));
  const Usage* usage = beckon::xcap::find_usage(target->auid);
  // RFC 4825 leaves 404 for what names nothing; node selectors are not served.
  if (!usage || target->has_node) return done(plain(404));
  if (usage->is_made) return done(make(request, *usage, target->document, aor));
  if (request.method == Method::other) return done(not_allowed());
  if (usage->is_single && target->document != "index")
    return done(
        request.method == Method::put
            ? beckon::xcap::make_response({409, Problem::Kind::constraint_failure, "its name is index"})
            : plain(404));
  std::string key = std::string(usage->canonical) + '/' + target->document;
  const EntryPtr entry = environment_.directory().get(aor);
  entry->add(
      std::make_unique<Work>(*this, *entry, std::move(request), *usage, std::move(key), std::move(done)));
}

void Documents::on_user_gone(std::string_view aor, bool removed, Now) {
  const EntryPtr entry = removed ? environment_.directory().find(aor) : nullptr;
  if (entry && entry->find(slot_)) entry->add_fact(std::make_unique<Removal>(*this, *entry));
}

Response Documents::make(const Request& request, const Usage& usage, const std::string& document,
                         const std::string& owner) const {
  const auto maker = std::ranges::find(makers_, usage.auid, [](const auto& each) { return each.first; });
  if (maker == makers_.end() || document != "index") return plain(404);
  if (request.method != Method::get && request.method != Method::head) return not_allowed("GET, HEAD");
  return show(request, usage.content_type, {}, maker->second(owner));
}

const Documents::Document* Documents::find(const Tree* tree, std::string_view key) {
  if (!tree) return nullptr;
  const auto found = std::ranges::find(tree->documents, key, &Document::key);
  return found == tree->documents.end() ? nullptr : &*found;
}

void Documents::apply(Entry& entry, const std::string& key, std::optional<Document> next) {
  Tree& tree = entry.get(slot_);
  if (are_rules(key)) tree.version = ++version_;
  std::erase_if(tree.documents, [&](const Document& document) { return document.key == key; });
  if (next) tree.documents.push_back(std::move(*next));
  if (tree.documents.empty()) entry.drop(slot_);
}

std::optional<Documents::Written> Documents::find(const Entry& entry, std::string_view canonical,
                                                  std::string_view document) const {
  const Document* found = find(entry.find(slot_), std::string(canonical) + '/' + std::string(document));
  if (!found) return std::nullopt;
  return Written{found->etag, found->text};
}

std::uint64_t Documents::rules_version(const Entry& entry) const {
  const Tree* tree = entry.find(slot_);
  return tree ? tree->version : 0;
}

const documents::Rules* Documents::rules(const Entry& entry) const {
  Tree* tree = entry.find(slot_);
  if (!tree) return nullptr;
  if (tree->rules_of != tree->version) {
    tree->rules_of = tree->version;
    tree->rules.reset();
    for (const Document& document : tree->documents) {
      if (!are_rules(document.key)) continue;
      auto rules = documents::parse_pres_rules(document.text);
      if (!rules) continue;
      if (!tree->rules) tree->rules.emplace();
      std::ranges::move(rules->rules, std::back_inserter(tree->rules->rules));
    }
  }
  return tree->rules ? &*tree->rules : nullptr;
}

const documents::Rules* Documents::rules(std::string_view aor) const {
  const EntryPtr entry = environment_.directory().find(aor);
  return entry ? rules(*entry) : nullptr;
}

void Documents::restore(const store::Record& record, Now) {
  if (record.kind != store::Kind::document) return;
  store::RecordReader reader(record.value);
  const std::string_view etag = reader.text(), text = reader.text();
  if (!reader.ok()) return environment_.directory().skip_unreadable(record.kind);
  apply(*environment_.directory().get(record.aor), record.key,
        Document{record.key, std::string(etag), std::string(text)});
}

void Documents::reload(Entry& entry, const store::Held& held, Now now) {
  if (!held.durable) return;
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
                            {"etag", document.etag},
                            {"octets", std::to_string(document.text.size())}});
  });
  std::ranges::sort(table.rows);
  return {std::move(table)};
}

}  // namespace beckon::server::xcap
