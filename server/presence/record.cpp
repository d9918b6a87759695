#include "server/presence/record.hpp"

#include <boost/json.hpp>
#include <boost/system/errc.hpp>

namespace beckon::server::presence {

namespace json = boost::json;
using std::chrono::milliseconds;

std::int64_t to_wall(Time moment, Now now) {
  return (now.wall + std::chrono::duration_cast<milliseconds>(moment - now.mono)).time_since_epoch().count();
}

Time from_wall(std::int64_t value, Now now) { return now.mono + (WallTime(milliseconds(value)) - now.wall); }

std::string print(const event::Publication& publication, Now now) {
  const json::object object{
      {"etag", publication.etag},          {"type", publication.content_type},
      {"document", *publication.document}, {"instance", publication.instance},
      {"data", publication.data},          {"expires", to_wall(publication.expires, now)}};
  return json::serialize(object);
}

Result<event::Publication> parse_publication(std::string_view id, std::string_view text, Now now) try {
  const json::value value = json::parse({text.data(), text.size()});
  const auto read = [&](const char* name) { return std::string(value.at(name).as_string()); };
  event::Publication publication;
  publication.id = std::string(id);
  publication.etag = read("etag");
  publication.content_type = read("type");
  publication.document = share(read("document"));
  publication.instance = read("instance");
  publication.data = read("data");
  publication.expires = from_wall(value.at("expires").as_int64(), now);
  publication.incomplete = publication.data == direct_mark;
  return publication;
} catch (const std::exception&) {
  return boost::system::errc::make_error_code(boost::system::errc::invalid_argument);
}

}  // namespace beckon::server::presence
