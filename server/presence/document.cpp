#include "server/presence/document.hpp"

#include <algorithm>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cassert>
#include <optional>

#include "protocol/base/text.hpp"
#include "protocol/crypto/crypto.hpp"
#include "protocol/documents/namespaces.hpp"
#include "protocol/documents/rpid.hpp"
#include "protocol/xml/document.hpp"
#include "protocol/xml/edit.hpp"

namespace beckon::server::presence {

namespace ns = documents::ns;
using documents::Profile;
using xml::Element;

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

Document::Document(std::string_view text, std::optional<WallTime> published) {
  if (published) text_ = std::to_string(published->time_since_epoch().count());
  time_size_ = static_cast<std::uint8_t>(text_.size());
  text_ += text;
}

Document::~Document() = default;

std::optional<WallTime> Document::published() const {
  const auto time = parse_number<WallTime::rep>(std::string_view(text_).substr(0, time_size_));
  return time ? std::optional(WallTime(WallTime::duration(*time))) : std::nullopt;
}

bool Document::tells_last_input() const {
  if (text().find("last-input") == std::string_view::npos) return false;
  const auto presence = parse();
  return std::ranges::any_of(presence.tuples,
                             [](const auto& tuple) { return !documents::last_input(tuple).empty(); });
}

void Document::modifies(const State& before) {
  const auto& old = static_cast<const Document&>(before);
  if (old.text() != text()) return;
  text_.replace(0, time_size_, old.text_, 0, old.time_size_);
  time_size_ = old.time_size_;
}

documents::Presence Document::parse() const {
  auto read = parsed_ ? documents::parse_pidf(parsed_->root()) : documents::parse_pidf(text());
  assert(read.has_value());  // it was read before
  return read ? std::move(*read) : documents::Presence();
}

void Document::add_direct(std::vector<Offer> offers, transaction::FlowId flow) {
  is_whole_ = false;
  if (!offers.empty()) live_ = std::make_unique<Live>(Live{std::move(offers), flow});
}

void Document::keep_parsed(xml::Document parsed) {
  parsed_ = std::make_unique<xml::Document>(std::move(parsed));
}

/// Where no registration tells which device publishes, a tuple of the same id does (DIRECT_SESSIONS 3.3).
bool Document::supersedes(const event::EventState& restored) const {
  const auto before = static_cast<const Document&>(restored).parse();
  boost::unordered_flat_set<std::string_view> ids;
  for (const auto& tuple : before.tuples) ids.insert(tuple.id);
  const auto now = parse();
  return std::ranges::any_of(now.tuples, [&](const auto& tuple) { return ids.contains(tuple.id); });
}

void Document::move_to(transaction::FlowId flow) {
  if (live_) live_->flow = flow;
}

void Document::inherit(State& before) {
  for (Offer& offer : offers())
    for (Offer& old : static_cast<Document&>(before).offers())
      if (old.tuple_id == offer.tuple_id) offer.direct.inherit(old.direct);
}

namespace {

bool is_direct(const Element& element) { return element.is(ns::direct, "direct"); }

/// Every <direct> of a document, where it belongs and where it does not.
class Finder {
 public:
  struct Place {
    const Element* element;
    std::uint32_t tuple = 0, position = 0;
    std::string_view tuple_id{};
    bool in_status = false;
  };

  explicit Finder(const Element& root) {
    for (const Element& child : root.children()) {
      if (child.is(ns::pidf, "tuple"))
        search_tuple(child);
      else
        search(child);
    }
  }
  const std::vector<Place>& found() const { return found_; }

 private:
  void search_tuple(const Element& tuple) {
    std::uint32_t position = 0;
    for (const Element& child : tuple.children()) {
      if (!child.is(ns::pidf, "status")) {
        search(child);
        continue;
      }
      for (const Element& element : child.children()) {
        if (is_direct(element)) {
          found_.push_back({&element, tuples_, position, tuple.attribute("id").value_or(""), true});
        } else {
          search(element);
          if (!element.is(ns::pidf, "basic")) ++position;
        }
      }
    }
    ++tuples_;
  }

  /// Recurses as deep as the elements nest, which the scan has bounded.
  void search(const Element& element) {
    if (is_direct(element)) return found_.push_back({&element});
    for (const Element& child : element.children()) search(child);
  }

  std::vector<Place> found_;
  std::uint32_t tuples_ = 0;
};

class DirectReader {
 public:
  explicit DirectReader(const Arrival& arrival) : arrival_(arrival) {}

  void read(const Finder::Place& place) {
    if (!place.in_status) return strip("not in a status");
    const xml::Fragment element = place.element->keep();
    const auto check = documents::check_published(element);
    if (!check.value) return strip(check.why);
    // A second <direct> of a version we know would share the tuple's one grant.
    if (!offers.empty() && offers.back().tuple == place.tuple) return strip("more than one in a tuple");
    const bool sealed = check.value->profile == Profile::sealed;
    if (sealed && !arrival_.requires_direct) return strip("Require: beckon-direct is missing");
    // Profile `plain` needs a switch this server does not have (DIRECT_SESSIONS 12).
    if (!sealed) return strip("profile plain is not allowed here");
    if (check.value->mode == ds1::Mode::off) return;
    offers.push_back({place.tuple, place.position, std::string(place.tuple_id),
                      documents::lower(element, check.value->mode), DirectOffer(*check.value)});
  }

  std::vector<Document::Offer> offers;
  std::string warning;  ///< Why the first was removed; empty: none was.

 private:
  void strip(const std::string& why) {
    if (warning.empty()) warning = "direct removed: " + why;
  }

  const Arrival& arrival_;
};

/// Whose document it is, where no registration tells (DIRECT_SESSIONS 3.3).
publication::Device device_of(const Element& root) {
  const Element* tuple = root.child(ns::pidf, "tuple");
  return tuple ? publication::shorten("tuple:" + std::string(tuple->attribute("id").value_or(""))) : 0;
}

bool has_secret(const Element& direct) { return direct.child(ns::direct, "secret") != nullptr; }

}  // namespace

publication::Reading read_document(std::string_view body, const Arrival& arrival, std::uint32_t elements_max,
                                   bool keep_parsed) {
  auto parsed = xml::parse(body);
  if (!parsed) return {.reason = "Bad Presence Document"};
  const Element& root = parsed->root();
  const auto size = documents::check_pidf(root);
  if (!size)
    return {.reason = size.error() == documents::Errc::duplicate_id ? "Duplicate Id In Presence Document"
                                                                    : "Bad Presence Document"};
  publication::Reading reading{.size = static_cast<std::uint32_t>(*size)};
  if (reading.size > elements_max) return reading;
  reading.device = device_of(root);
  const Finder finder(root);
  const auto& places = finder.found();
  if (places.empty()) {
    auto document = std::make_unique<Document>(root.source(), arrival.at);
    if (keep_parsed) document->keep_parsed(std::move(*parsed));
    reading.state = std::move(document);
    return reading;
  }
  if (!arrival.secure &&
      std::ranges::any_of(places, has_secret, [](const auto& p) -> auto& { return *p.element; }))
    return {.status = 403, .reason = "Secret Over Insecure Transport"};
  DirectReader reader(arrival);
  xml::Editor editor(root);
  for (const auto& place : places) {
    reader.read(place);
    editor.remove(*place.element);
  }
  auto document = std::make_unique<Document>(editor.finish().text, arrival.at);
  document->add_direct(std::move(reader.offers), arrival.flow);
  reading.state = std::move(document);
  reading.warning = std::move(reader.warning);
  return reading;
}

publication::Reading restore_document(std::string_view stored, std::uint32_t elements_max) {
  const auto text = stored.substr(std::min(stored.find('<'), stored.size()));
  const auto time = parse_number<WallTime::rep>(stored.substr(0, stored.size() - text.size()));
  Arrival arrival;
  if (time) arrival.at = WallTime(WallTime::duration(*time));
  return read_document(text, arrival, elements_max, false);
}

}  // namespace beckon::server::presence
