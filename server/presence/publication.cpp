#include "server/presence/publication.hpp"

#include <algorithm>

#include "protocol/crypto/crypto.hpp"
#include "protocol/documents/namespaces.hpp"
#include "protocol/xml/document.hpp"

namespace beckon::server::presence {

namespace ns = documents::ns;
using documents::Presence;
using documents::Profile;
using documents::Tuple;

DirectOffer::DirectOffer(DirectOffer&& other) noexcept
    : published_(other.published_), grants_(std::move(other.grants_)) {
  other.wipe();
}

DirectOffer& DirectOffer::operator=(DirectOffer&& other) noexcept {
  if (this != &other) {
    wipe();
    published_ = other.published_;
    grants_ = std::move(other.grants_);
    other.wipe();
  }
  return *this;
}

void DirectOffer::wipe() {
  crypto::wipe(published_.secret);
  for (auto& [holder, grant] : grants_)
    crypto::wipe({reinterpret_cast<std::uint8_t*>(grant.data()), grant.size()});
  grants_.clear();
}

std::string_view DirectOffer::grant(const std::string& watcher, ds1::Mode mode, Random& random) {
  if (watcher.size() > ds1::aor_max) return {};
  std::string& text = grants_[{watcher, mode}];
  if (text.empty()) {
    ds1::Grant made = ds1::make_grant(published_.secret, published_.epoch, {mode, watcher}, random);
    text = documents::print(made);
    crypto::wipe(made.psk);
  }
  return text;
}

void DirectOffer::each_holder(const std::function<void(const std::string&)>& visit) const {
  for (const auto& [holder, grant] : grants_) visit(holder.first);
}

void DirectOffer::inherit(DirectOffer& before) {
  const bool same = published_.epoch == before.published_.epoch &&
                    crypto::equal_constant_time(published_.secret, before.published_.secret);
  if (same) grants_ = std::move(before.grants_);
}

bool Publication::drop_direct() {
  bool dropped = false;
  for (Tuple& tuple : presence.tuples) dropped |= documents::remove_direct(tuple);
  offers.clear();
  flow = 0;
  return dropped;
}

namespace {

/// Looks into any element that calls itself <direct>, also one no check accepts.
bool has_secret(const xml::Fragment& element) {
  const auto document = xml::parse(element.text);
  return document && document->root().child(ns::direct, "secret") != nullptr;
}

bool exposes_secret(const Presence& presence) {
  return std::any_of(presence.tuples.begin(), presence.tuples.end(), [](const Tuple& tuple) {
    const auto& elements = tuple.status_extensions;
    return std::any_of(elements.begin(), elements.end(), [](const xml::Fragment& element) {
      return documents::is_direct(element) && has_secret(element);
    });
  });
}

class Reader {
 public:
  Reader(const Arrival& arrival, ReadPublication& result) : arrival_(arrival), result_(result) {}

  void read(Tuple& tuple) {
    std::vector<xml::Fragment> kept;
    for (xml::Fragment& element : tuple.status_extensions) {
      if (!documents::is_direct(element)) {
        kept.push_back(std::move(element));
      } else if (auto left = accept(tuple, element)) {
        kept.push_back(std::move(*left));
      }
    }
    tuple.status_extensions = std::move(kept);
  }

 private:
  /// What watchers may see of it; nothing where it is not to be seen.
  std::optional<xml::Fragment> accept(const Tuple& tuple, const xml::Fragment& element) {
    result_.had_direct = true;
    const auto check = documents::check_published(element);
    if (!check.value) return strip(check.why);
    // A second <direct> of a version we know would share the tuple's one grant.
    if (result_.publication.offers.count(tuple.id)) return strip("more than one in a tuple");
    const bool sealed = check.value->profile == Profile::sealed;
    if (sealed && !arrival_.requires_direct) return strip("Require: beckon-direct is missing");
    // Profile `plain` needs a switch this server does not have (DIRECT_SESSIONS 12).
    if (!sealed) return strip("profile plain is not allowed here");
    if (check.value->mode == ds1::Mode::off) return std::nullopt;
    auto shown = documents::lower(element, check.value->mode);
    result_.publication.offers.emplace(tuple.id, DirectOffer(*check.value));
    return shown;
  }

  std::optional<xml::Fragment> strip(std::string why) {
    if (result_.warning.empty()) result_.warning = std::move(why);
    return std::nullopt;
  }

  const Arrival& arrival_;
  ReadPublication& result_;
};

}  // namespace

PublicationResult read_publication(std::string_view body, const Arrival& arrival) {
  auto parsed = documents::parse_pidf(body);
  if (!parsed) return {std::nullopt, PublishFault::unreadable};
  if (!arrival.secure && exposes_secret(*parsed)) return {std::nullopt, PublishFault::exposed_secret};
  PublicationResult result;
  ReadPublication& read = result.value.emplace();
  read.publication.presence = std::move(*parsed);
  Reader reader(arrival, read);
  for (Tuple& tuple : read.publication.presence.tuples) reader.read(tuple);
  if (!read.publication.offers.empty()) read.publication.flow = arrival.flow;
  if (!read.had_direct) {
    read.storable = std::string(body);
    return result;
  }
  Presence bare = read.publication.presence;
  for (Tuple& tuple : bare.tuples) documents::remove_direct(tuple);
  read.storable = documents::print(bare);
  return result;
}

}  // namespace beckon::server::presence
