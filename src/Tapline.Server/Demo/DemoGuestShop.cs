// The shop on the demo's virtual machines, in busybox: a web server that serves a picture and hands the rest on, an application
// that asks a database, a database that speaks Redis' protocol, and customers. Some requests are slow, some fail, some ask for
// what does not exist: what an operator should find from the wire alone. In: addresses. Out: shell scripts. Pure.
namespace Tapline.Server.Demo;

/// <summary>Scripts for the guests.</summary>
internal static class DemoGuestShop
{
    /// <summary>Starts what a guest's role is.</summary>
    public const string StartCommand = "/start";

    /// <summary>Ends the customers; prints how their requests went, as a JSON object.</summary>
    public const string ReportCommand = "/report";

    private const string Web = """
        mkdir -p /www/static /www/cgi-bin
        echo ok > /www/health
        dd if=/dev/urandom of=/www/static/picture.bin bs=64k count=4 2> /dev/null
        mv /front /www/cgi-bin/shop
        exec httpd -p 80 -h /www
        """;

    // Hands a request on to the application, and its answer back as it comes.
    private const string WebFront = """
        #!/bin/sh
        printf 'GET /cgi-bin/shop%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$PATH_INFO" "$APP" | nc -w 5 "$APP" 8080
        """;

    private const string App = """
        mkdir -p /www/cgi-bin
        mv /shop /www/cgi-bin/shop
        exec httpd -p 8080 -h /www
        """;

    // One request: /product/N, /cart/USER/N, /report, /broken. `ask` sends one command and prints the answer's last line.
    private const string AppShop = """
        #!/bin/sh
        ask() {
            { printf '*%d\r\n' $#; for word; do printf '$%d\r\n%s\r\n' ${#word} "$word"; done; } | nc -w 5 $DB 6379 | tr -d '\r' | tail -n 1
        }
        answer() { printf 'Status: %s\r\nContent-Type: text/plain\r\n\r\n%s\n' "$1" "$2"; }
        number=${PATH_INFO##*/}
        case $PATH_INFO in
            /product/*)
                name=$(ask GET product:$number)
                case $name in '$-1' | '') answer '404 Not Found' 'no such product' ;; *) answer '200 OK' "$name" ;; esac ;;
            /cart/*) answer '200 OK' "$(ask INCR ${PATH_INFO#/})" ;;
            /report) answer '200 OK' "$(ask SORT products)" ;;
            /broken) answer '500 Internal Server Error' "$(ask COLOUR product:1)" ;;
            *) answer '404 Not Found' 'no such page' ;;
        esac
        """;

    private const string Db = """
        mkdir -p /data
        for number in $(seq 0 99); do echo "product $number, a fine thing" > /data/product:$number; done
        nc -ll -p 6379 -e /redis > /dev/null 2>&1 < /dev/null &
        until netstat -ltn | grep -q :6379; do usleep 10000; done
        """;

    // One connection: commands as arrays of strings (RESP), until the client closes. A sort takes its time.
    private const string DbRedis = """
        #!/bin/sh
        while read -r count; do
            count=$(echo "$count" | tr -dc 0-9)
            set --
            while [ $# -lt "${count:-0}" ] && read -r length && read -r word; do set -- "$@" "$(echo "$word" | tr -d '\r')"; done
            case $1 in
                GET) if value=$(cat "/data/$2"); then printf '$%d\r\n%s\r\n' ${#value} "$value"; else printf '$-1\r\n'; fi ;;
                INCR)
                    name=$(echo "$2" | tr / :)
                    value=$(($(cat "/data/$name" || echo 0) + 1))
                    echo $value > "/data/$name"
                    printf ':%d\r\n' $value ;;
                SORT) usleep 350000; printf '+%d products\r\n' $(ls /data | wc -l) ;;
                *) printf '-ERR unknown command\r\n' ;;
            esac
        done 2> /dev/null
        """;

    // Two customers at a time, the same mix in the same order every time.
    private const string Client = """
        customer() {
            number=$1
            while [ ! -e /enough ]; do
                case $((number % 20)) in
                    2) path=cgi-bin/shop/product/999999 ;;
                    3) path=cgi-bin/shop/broken ;;
                    6) path=nowhere ;;
                    7) path=cgi-bin/shop/report ;;
                    5 | 14) path=static/picture.bin ;;
                    9 | 10) path=cgi-bin/shop/cart/user$((number % 5))/$((number * 7 % 100)) ;;
                    *) path=cgi-bin/shop/product/$((number * 7 % 100)) ;;
                esac
                if problem=$(wget -q -O /dev/null http://$WEB/$path 2>&1); then
                    echo ok
                else
                    case $problem in *404*) echo not_found ;; *) echo failed ;; esac
                fi >> /answers.$1
                number=$((number + 2))
            done
            echo end >> /answers.$1
        }
        customer 0 > /dev/null 2>&1 < /dev/null &
        customer 1 > /dev/null 2>&1 < /dev/null &
        """;

    private const string ClientReport = """
        #!/bin/sh
        touch /enough
        until [ "$(cat /answers.* | grep -c end)" = 2 ]; do usleep 50000; done
        count() { cat /answers.* | grep -c "$1"; }
        printf '{"requests":%d,"ok":%d,"not_found":%d,"failed":%d}\n' \
            $(($(cat /answers.* | wc -l) - 2)) $(count ok) $(count not_found) $(count failed)
        """;

    /// <summary>What a machine does, in a few words.</summary>
    public static string Does(string role) => role switch
    {
        "client" => "customers of a shop, two at a time",
        "web" => "a web server: a picture, and the shop behind it",
        "app" => "the shop, an application over HTTP",
        _ => "its database, which speaks Redis' protocol",
    };

    /// <summary>Files of the guests' first file system, by path; <paramref name="address"/> tells where a role is.</summary>
    public static Dictionary<string, string> Files(Func<string, string> address)
    {
        var files = new Dictionary<string, string>
        {
            ["front"] = WebFront,
            ["shop"] = AppShop,
            ["redis"] = DbRedis,
            ["report"] = ClientReport,
        };
        foreach (var (role, script) in ((string, string)[])[("client", Client), ("web", Web), ("app", App), ("db", Db)])
        {
            // Read by the guest's init, whose environment all commands have.
            files[$"role/{role}"] = string.Join('\n', DemoNetwork.Vms.Select(vm => $"export {vm.ToUpperInvariant()}={address(vm)}"))
                + $"\ncp /service/{role} /start";
            files[$"service/{role}"] = "#!/bin/sh\n" + script;
        }

        return files;
    }
}
