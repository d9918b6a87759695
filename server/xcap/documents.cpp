#include "server/xcap/documents.hpp"

#include <boost/json.hpp>
#include <utility>

#include "protocol/base/log.hpp"
#include "server/shard/bucket.hpp"
#include "server/shard/replay.hpp"

namespace beckon::server::xcap {

namespace json = boost::json;
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

Response not_allowed() {
  Response response = plain(405);
  response.headers.emplace_back("Allow", "GET, HEAD, PUT, DELETE");
  return response;
}

/// The user part of the tree as an AOR of ours: clients write it with and without scheme.
std::string aor_of(const Target& target) {
  const bool has_scheme = target.user.find(':') != std::string::npos;
  const auto uri = sip::parse_uri(has_scheme ? target.user : "sip:" + target.user);
  return uri ? sip::canonical_aor(*uri) : std::string();
}

Response show(const Request& request, std::string_view content_type, std::string etag,
              const std::string& text) {
  Response response = plain(200, std::move(etag));
  response.content_type = content_type;
  if (request.method == Method::get) response.body = text;
  return response;
}

}  // namespace

std::optional<std::string> owner_of(std::string_view target) {
  const auto parsed = beckon::xcap::parse_target(target, root);
  if (!parsed || parsed->tree != Target::Tree::users) return std::nullopt;
  std::string aor = aor_of(*parsed);
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

void Documents::handle(Request request, const Identity& who, Done done) {
  const auto target = beckon::xcap::parse_target(request.target, root);
  if (!target) return done(handle_global(request));
  const std::string aor = aor_of(*target);
  // A stranger learns nothing about the tree, not even whether its owner exists.
  if (aor.empty() || who.aor != aor) return done(plain(403));
  const Usage* usage = beckon::xcap::find_usage(target->auid);
  // Parts of documents are another issue's: RFC 4825 leaves 404 for what names nothing.
  if (!usage || target->has_node) return done(plain(404));
  if (request.method == Method::other) return done(not_allowed());
  Job job{std::move(request), usage, std::string(usage->canonical) + '/' + target->document, std::move(done)};
  Tree& tree = trees_[aor];
  if (tree.waiting.size() >= waiting_max) return job.done(plain(503));
  tree.waiting.push_back(std::move(job));
  run(aor);
}

void Documents::run(const std::string& aor) {
  for (Tree* tree = &trees_[aor]; !tree->committing && !tree->waiting.empty(); tree = &trees_[aor]) {
    Job job = std::move(tree->waiting.front());
    tree->waiting.pop_front();
    take(aor, std::move(job));
  }
  const Tree& tree = trees_[aor];
  if (tree.documents.empty() && tree.waiting.empty() && !tree.committing) trees_.erase(aor);
}

void Documents::take(const std::string& aor, Job job) {
  const Tree& tree = trees_[aor];
  const auto found = tree.documents.find(job.key);
  const bool there = found != tree.documents.end();
  const Request& request = job.request;
  const auto etag = there ? std::optional<std::string_view>(found->second.etag) : std::nullopt;
  const auto precondition = beckon::xcap::evaluate_preconditions(request.method, etag, request.headers);
  if (precondition == Precondition::failed) return job.done(plain(412));
  if (precondition == Precondition::not_modified)
    return job.done(plain(304, there ? found->second.etag : std::string()));
  if (request.method == Method::put) {
    const auto type = beckon::xcap::find_header(request.headers, "Content-Type").value_or(std::string_view{});
    if (auto problem = beckon::xcap::validate(*job.usage, type, request.body))
      return job.done(beckon::xcap::make_response(*problem));
    if (!there && tree.documents.size() >= documents_per_user) {
      const Problem full{409, Problem::Kind::constraint_failure, "too many documents"};
      return job.done(beckon::xcap::make_response(full));
    }
    Document next{services_.mint(bucket_of(aor)), request.body};
    return commit(aor, std::move(job), std::move(next), there ? 200 : 201);
  }
  if (!there) return job.done(plain(404));
  if (request.method == Method::del) return commit(aor, std::move(job), std::nullopt, 200);
  job.done(show(request, job.usage->content_type, found->second.etag, found->second.text));
}

void Documents::commit(const std::string& aor, Job job, std::optional<Document> next, unsigned status) {
  trees_[aor].committing = true;
  store::Change change{.record = {store::Kind::document, aor, job.key, {}}, .erase = !next};
  if (next) change.record.value = json::serialize(json::object{{"etag", next->etag}, {"text", next->text}});
  store::Batch batch{.aor = aor, .changes = {std::move(change)}};
  batch.deadline = services_.clock().now().mono + replay_time;
  auto kept = std::make_shared<std::pair<Job, std::optional<Document>>>(std::move(job), std::move(next));
  services_.store().commit(std::move(batch), [this, aor, kept, status](Result<store::Version> done) {
    auto& [finished, document] = *kept;
    Response response = plain(done ? status : 500);
    if (done && document) response.etag = document->etag;
    trees_[aor].committing = false;
    if (done)
      committed(aor, finished, std::move(document), *done);
    else
      log::error("xcap", "{} {} not stored: {}", aor, finished.key, done.error().message());
    finished.done(std::move(response));
    run(aor);
  });
}

void Documents::committed(const std::string& aor, const Job& job, std::optional<Document> next,
                          store::Version version) {
  Tree& tree = trees_[aor];
  if (next)
    tree.documents[job.key] = std::move(*next);
  else
    tree.documents.erase(job.key);
  read_rules(tree);
  log::info("xcap", "{} {} {}", aor, job.key, next ? "written" : "changed");
  services_.bus().publish(store::Kind::document, aor, version);
}

void Documents::read_rules(Tree& tree) {
  tree.rules.reset();
  for (const auto& [key, document] : tree.documents) {
    auto rules = documents::parse_pres_rules(document.text);
    if (!rules) continue;  // only valid ones were taken
    if (!tree.rules) tree.rules.emplace();
    for (auto& rule : rules->rules) tree.rules->rules.push_back(std::move(rule));
  }
}

const documents::Rules* Documents::rules(std::string_view aor) const {
  const auto found = trees_.find(aor);
  return found != trees_.end() && found->second.rules ? &*found->second.rules : nullptr;
}

void Documents::restore(const store::Record& record, Now) try {
  if (record.kind != store::Kind::document) return;
  const json::value value = json::parse(record.value);
  Tree& tree = trees_[record.aor];
  tree.documents[record.key] = {std::string(value.at("etag").as_string()),
                                std::string(value.at("text").as_string())};
  read_rules(tree);
} catch (const std::exception&) {
  log::warn("xcap", "{}: stored document {} cannot be read", record.aor, record.key);
}

std::vector<Table> Documents::tables(Now) const {
  Table table{.name = "documents", .rows = {}};
  for (const auto& [aor, tree] : trees_)
    for (const auto& [key, document] : tree.documents)
      table.rows.push_back({{"user", aor},
                            {"document", key},
                            {"etag", document.etag},
                            {"octets", std::to_string(document.text.size())}});
  return {std::move(table)};
}

}  // namespace beckon::server::xcap
