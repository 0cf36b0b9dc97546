// The demo's shop: `serve` is the application tier behind nginx, `load` its customers. A plain application on purpose:
// it knows nothing of Tapline, and Tapline nothing of it.
using System.Globalization;
using Shop;

return args switch
{
    ["serve", var listen, var database, var cache] => await ShopServer.RunAsync(listen, database, cache),
    ["load", var web, var perSecond, ..] =>
        await ShopLoad.RunAsync(web, double.Parse(perSecond, CultureInfo.InvariantCulture)),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("""
        usage: Shop serve http://ADDR:PORT DATABASE_CONNECTION_STRING CACHE_HOST:PORT
               Shop load http://WEB REQUESTS_PER_SECOND        until SIGTERM, then one line of JSON
        """);
    return 2;
}
