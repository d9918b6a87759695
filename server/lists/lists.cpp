#include "server/lists/lists.hpp"

#include <algorithm>
#include <utility>

#include "protocol/base/text.hpp"
#include "protocol/documents/deflate.hpp"
#include "protocol/documents/multipart.hpp"
#include "protocol/documents/resource_lists.hpp"
#include "server/subscription/subscriptions.hpp"

namespace beckon::server::lists {

using sip::HeaderId;

namespace {

bool is_recipient_list(std::string_view disposition) {
  return iequals(trim(cut(disposition, ';').first), "recipient-list");
}

/// Of a list that comes deflated.
constexpr std::size_t inflated_max = 1U << 20;

/// What of a body is a list of recipients: the body, or the part of it that is. `body` is that of the
/// message, decoded. Nullopt: there is none.
struct RecipientList {
  std::string_view type, text;
};
std::optional<RecipientList> find_recipient_list(const sip::Message& message, std::string_view body) {
  if (body.empty()) return std::nullopt;
  const auto type = message.header(HeaderId::content_type);
  if (is_recipient_list(message.header(HeaderId::content_disposition))) return RecipientList{type, body};
  if (!documents::is_multipart(type)) return std::nullopt;
  const auto multipart = documents::parse_multipart(body, type);
  if (!multipart) return std::nullopt;
  for (const documents::Part& part : multipart->parts)
    if (is_recipient_list(part.header("Content-Disposition")))
      return RecipientList{part.content_type(), part.body};
  return std::nullopt;
}

}  // namespace

Lists::Lists(Environment& environment, Peers& peers, store::EventBus& bus, const xcap::Documents& documents)
    : environment_(environment), peers_(peers), documents_(documents) {
  constexpr std::size_t usual = 64;  // asked at a time
  asked_.reserve(usual);
  bus.subscribe(store::Kind::document, [this](const std::string& aor, store::Version) {
    const auto found = interested_.find(aor);
    if (found == interested_.end()) return;
    for (Interested& each : found->second) tell(each, aor);
  });
}

Lists::~Lists() = default;

void Lists::add(subscription::Packages& packages, subscription::Package& base) {
  forms_.emplace_back(&base, &packages.add<List>(environment_, base, *this));
}

void Lists::set_subscriptions(subscription::Subscriptions& subscriptions) {
  subscriptions_ = &subscriptions;
  subscriptions.set_lists(*this);
}

Serves Lists::serves() const {
  return {.accepts = {std::string(documents::resource_lists_type)},
          .options = {"eventlist", "recipient-list-subscribe"}};
}

subscription::Package* Lists::form_of(const subscription::Package& package) {
  const auto found = std::ranges::find(forms_, &package, [](const auto& each) { return each.first; });
  return found == forms_.end() ? nullptr : found->second;
}

// At the bucket of the URI

void Lists::find(const std::string& uri, const std::string& watcher, const subscription::Package& package,
                 Found found) {
  const std::uint64_t ticket = ++last_ticket_;
  Question question{bucket_of(uri), ticket, uri, watcher, std::string(package.name())};
  if (!peers_.post<Lists>(bucket_of(watcher), std::move(question))) return found(503);
  asked_.emplace(ticket, std::move(found));
}

void Lists::on(Verdict verdict, Bucket, Now) {
  auto asked = asked_.extract(verdict.ticket);
  if (asked) asked.mapped()(verdict.status);
}

std::optional<Lists::Carried> Lists::read(const sip::Message& subscribe) const {
  std::string_view body = subscribe.body();
  Result<std::string> inflated = std::string();
  if (!body.empty() && iequals(subscribe.header(HeaderId::content_encoding), "deflate")) {
    inflated = documents::inflate(body, inflated_max);
    if (!inflated) return Carried{.status = 400};
    body = *inflated;
  }
  const auto found = find_recipient_list(subscribe, body);
  if (!found) return std::nullopt;
  if (!iequals(trim(cut(found->type, ';').first), documents::resource_lists_type))
    return Carried{.status = 415};
  const std::size_t most = environment_.settings().list_members;
  const auto definition = define_carried(found->text, most + 1);
  if (!definition) return Carried{.status = 400};
  if (definition->members.size() > most) return Carried{.status = 413};
  documents::ResourceList list;
  for (const Definition::Member& member : definition->members) {
    documents::ListItem item{.target = member.uri};
    if (!member.names.empty()) item.name = member.names.front();
    list.items.push_back(std::move(item));
  }
  return Carried{.list = print(documents::ResourceLists{{std::move(list)}})};
}

bool Lists::ask(const std::string& tag, const std::string& uri, const std::string& owner,
                std::string_view package) {
  return peers_.post<Lists>(bucket_of(owner), Interest{tag, uri, owner, std::string(package)});
}

void Lists::forget(const std::string& tag, const std::string& owner) {
  peers_.post_back<Lists>(bucket_of(owner), Disinterest{tag, owner});
}

void Lists::on(News news, Bucket, Now now) {
  const auto form = std::ranges::find(forms_, std::string_view(news.package),
                                      [](const auto& each) { return each.first->name(); });
  if (form == forms_.end() || !subscriptions_) return;
  List& list = *form->second;
  if (subscription::Subscription* known = subscriptions_->find(list.key(), news.tag))
    list.define(*known, std::move(news.definition), now);
}

// At the bucket of the owner

Definition Lists::definition_of(const std::string& owner, const std::string& uri,
                                std::string_view package) const {
  const EntryPtr entry = environment_.directory().find(owner);
  if (!entry) return {};
  const Source source{.owner = owner,
                      .find =
                          [&](std::string_view usage, std::string_view document) {
                            const auto written = documents_.find(*entry, usage, document);
                            return written ? std::string_view(written->text) : std::string_view();
                          },
                      .root = xcap::root,
                      .members_max = environment_.settings().list_members};
  return lists::define(source, uri, package);
}

void Lists::on(Question question, Bucket, Now) {
  const int status = definition_of(question.owner, question.uri, question.package).status;
  peers_.post_back<Lists>(question.from, Verdict{question.ticket, status});
}

void Lists::on(Interest interest, Bucket, Now) {
  const std::string owner = interest.owner;
  Interested& added = interested_[owner].emplace_back(Interested{std::move(interest), {.status = 0}});
  tell(added, owner);
}

void Lists::on(Disinterest gone, Bucket, Now) {
  const auto found = interested_.find(gone.owner);
  if (found == interested_.end()) return;
  std::erase_if(found->second, [&](const Interested& each) { return each.who.tag == gone.tag; });
  if (found->second.empty()) interested_.erase(found);
}

void Lists::tell(Interested& interested, const std::string& owner) {
  Definition newest = definition_of(owner, interested.who.uri, interested.who.package);
  if (newest == interested.told) return;
  interested.told = newest;
  peers_.post_back<Lists>(bucket_in(interested.who.tag).value_or(0),
                          News{interested.who.tag, interested.who.package, std::move(newest)});
}

std::size_t Lists::size() const {
  std::size_t count = asked_.size();
  for (const auto& [owner, all] : interested_) count += all.size();
  return count;
}

}  // namespace beckon::server::lists
