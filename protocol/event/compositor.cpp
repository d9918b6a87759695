#include "protocol/event/compositor.hpp"

#include <algorithm>

namespace beckon::event {

Compositor::Compositor(Config config, MintEtag mint_etag)
    : config_(config), mint_etag_(std::move(mint_etag)) {}

Compositor::Answer Compositor::on_publish(const Request& request, Time now) {
  if (request.if_match.empty()) return on_initial(request, now);
  const auto known =
      std::ranges::find_if(publications_, [&](const Publication& p) { return p.etag == request.if_match; });
  if (known == publications_.end() || known->expires <= now) return {.status = 412};
  return on_known(static_cast<std::size_t>(known - publications_.begin()), request, now);
}

Compositor::Answer Compositor::on_initial(const Request& request, Time now) {
  if (!request.document) return {.status = 400};  // RFC 3903 4.1, table 1
  Answer answer{.status = 200, .etag = mint_etag_()};
  answer.id = answer.etag;
  if (request.expires == 0s) {
    answer.removed = true;
    return answer;
  }
  if (!request.instance.empty()) displace_incomplete(request.instance, answer.displaced);
  make_room(request.instance, answer.displaced);
  publications_.push_back({.id = answer.id,
                           .etag = answer.etag,
                           .content_type = request.content_type,
                           .document = request.document,
                           .instance = request.instance,
                           .data = request.data,
                           .expires = now + request.expires,
                           .renewed = now});
  answer.changed = true;
  return answer;
}

Compositor::Answer Compositor::on_known(std::size_t index, const Request& request, Time now) {
  auto& publication = publications_[index];
  Answer answer{.status = 200, .id = publication.id};
  if (request.expires == 0s) {
    answer.etag = mint_etag_();  // "for each successful PUBLISH, the ESC returns an entity-tag" (RFC 3903 6)
    answer.changed = answer.removed = true;
    publications_.erase(publications_.begin() + static_cast<std::ptrdiff_t>(index));
    return answer;
  }
  if (!request.document && publication.incomplete) return {.status = 412};
  if (request.document) {
    publication.document = request.document;
    publication.content_type = request.content_type;
    publication.data = request.data;
    publication.incomplete = false;
    answer.changed = true;
  }
  publication.etag = answer.etag = mint_etag_();
  publication.expires = now + request.expires;
  publication.renewed = now;
  return answer;
}

void Compositor::displace_incomplete(const std::string& instance, std::vector<std::string>& displaced) {
  std::erase_if(publications_, [&](const Publication& p) {
    const bool gives_way = p.incomplete && p.instance == instance;
    if (gives_way) displaced.push_back(p.id);
    return gives_way;
  });
}

void Compositor::make_room(const std::string& instance, std::vector<std::string>& displaced) {
  while (!publications_.empty() && publications_.size() >= config_.max_publications) {
    const auto same = [&](const Publication& p) { return !instance.empty() && p.instance == instance; };
    const auto gives_way = std::ranges::min_element(publications_, [&](const auto& a, const auto& b) {
      return same(a) != same(b) ? same(a) : a.renewed < b.renewed;
    });
    displaced.push_back(gives_way->id);
    publications_.erase(gives_way);
  }
}

std::vector<std::string> Compositor::expire(Time now) {
  std::vector<std::string> ids;
  std::erase_if(publications_, [&](const Publication& p) {
    if (p.expires <= now) ids.push_back(p.id);
    return p.expires <= now;
  });
  return ids;
}

std::optional<Time> Compositor::deadline() const {
  if (publications_.empty()) return std::nullopt;
  return std::ranges::min(publications_, {}, &Publication::expires).expires;
}

void Compositor::restore(Publication publication) {
  erase(publication.id);
  publications_.push_back(std::move(publication));
}

bool Compositor::erase(std::string_view id) {
  return std::erase_if(publications_, [&](const Publication& p) { return p.id == id; }) > 0;
}

const Publication* Compositor::find(std::string_view id) const {
  const auto found = std::ranges::find(publications_, id, &Publication::id);
  return found == publications_.end() ? nullptr : &*found;
}

}  // namespace beckon::event
