// The application tier: HTTP in, PostgreSQL and Redis out. Most requests are fast; `/report` is slow in the database,
// `/broken` fails there, an unknown product is not found: what an operator should be able to find from the wire alone.
using System.Globalization;
using Npgsql;
using StackExchange.Redis;

namespace Shop;

/// <summary>The shop's API.</summary>
internal static class ShopServer
{
    private const int ProductCount = 500;
    private static readonly TimeSpan s_cacheTime = TimeSpan.FromSeconds(2);

    public static async Task<int> RunAsync(string listen, string database, string cache)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await SeedAsync(source);
        await using var redis = await ConnectionMultiplexer.ConnectAsync(cache);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(listen);
        var app = builder.Build();
        Map(app, source, redis.GetDatabase());
        await app.StartAsync();
        Console.WriteLine("ready");
        await app.WaitForShutdownAsync();
        return 0;
    }

    private static void Map(WebApplication app, NpgsqlDataSource source, IDatabase cache)
    {
        app.MapGet("/health", () => "ok");
        app.MapGet("/catalog", (int? page) => CatalogAsync(source, cache, page ?? 0));
        app.MapGet("/product/{id:int}", (int id) => ProductAsync(source, cache, id));
        app.MapPost("/cart/{user}/{id:int}", async (string user, int id) =>
        {
            var count = await cache.HashIncrementAsync($"cart:{user}", id);
            await cache.KeyExpireAsync($"cart:{user}", TimeSpan.FromMinutes(5));
            return Results.Ok(count);
        });
        app.MapPost("/order/{user}", (string user) => OrderAsync(source, cache, user));
        app.MapGet("/report", async () =>
        {
            await using var command = source.CreateCommand(
                "SELECT p.category, sum(o.quantity * p.price), pg_sleep(0.35) FROM orders o JOIN products p ON p.id = o.product " +
                "GROUP BY p.category ORDER BY 2 DESC LIMIT 1");
            await using var rows = await command.ExecuteReaderAsync();
            return await rows.ReadAsync() ? Results.Text($"{rows.GetString(0)} {rows.GetDecimal(1)}") : Results.Text("no orders yet");
        });
        app.MapGet("/broken", async () =>
        {
            await using var command = source.CreateCommand("SELECT colour FROM products WHERE id = 1");
            try
            {
                await command.ExecuteScalarAsync();
                return Results.Ok();
            }
            catch (PostgresException problem)
            {
                return Results.Text(problem.MessageText, statusCode: 500);
            }
        });
    }

    private static async Task<IResult> CatalogAsync(NpgsqlDataSource source, IDatabase cache, int page)
    {
        var key = $"catalog:{page}";
        string? text = await cache.StringGetAsync(key);
        if (text is null)
        {
            await using var command = source.CreateCommand("SELECT id, name, price FROM products ORDER BY id OFFSET $1 LIMIT 50");
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = page * 50 });
            await using var rows = await command.ExecuteReaderAsync();
            var lines = new List<string>();
            while (await rows.ReadAsync())
            {
                lines.Add(string.Create(CultureInfo.InvariantCulture, $"{rows.GetInt32(0)} {rows.GetString(1)} {rows.GetDecimal(2)}"));
            }

            text = string.Join('\n', lines);
            await cache.StringSetAsync(key, text, s_cacheTime);
        }

        return Results.Text(text);
    }

    private static async Task<IResult> ProductAsync(NpgsqlDataSource source, IDatabase cache, int id)
    {
        string? name = await cache.StringGetAsync($"product:{id}");
        if (name is null)
        {
            await using var command = source.CreateCommand("SELECT name FROM products WHERE id = $1");
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = id });
            name = (string?)await command.ExecuteScalarAsync();
            if (name is null)
            {
                return Results.NotFound("no such product");
            }

            await cache.StringSetAsync($"product:{id}", name, s_cacheTime);
        }

        return Results.Text(name);
    }

    private static async Task<IResult> OrderAsync(NpgsqlDataSource source, IDatabase cache, string user)
    {
        var cart = await cache.HashGetAllAsync($"cart:{user}");
        await using var connection = await source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        foreach (var item in cart)
        {
            await using var insert = new NpgsqlCommand(
                "INSERT INTO orders (customer, product, quantity) VALUES ($1, $2, $3)", connection, transaction);
            insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = user });
            insert.Parameters.Add(new NpgsqlParameter<int> { TypedValue = (int)item.Name });
            insert.Parameters.Add(new NpgsqlParameter<int> { TypedValue = (int)item.Value });
            await insert.ExecuteNonQueryAsync();
        }

        await transaction.CommitAsync();
        await cache.KeyDeleteAsync($"cart:{user}");
        return Results.Text($"{cart.Length} ordered");
    }

    private static async Task SeedAsync(NpgsqlDataSource source)
    {
        await using var command = source.CreateCommand(
            $"""
            CREATE TABLE IF NOT EXISTS products (id int PRIMARY KEY, name text, category text, price numeric(8,2));
            CREATE TABLE IF NOT EXISTS orders (id serial PRIMARY KEY, customer text, product int, quantity int);
            INSERT INTO products SELECT i, 'product ' || i, 'category ' || i % 7, i % 97 + 0.99
                FROM generate_series(1, {ProductCount}) i ON CONFLICT DO NOTHING;
            """);
        await command.ExecuteNonQueryAsync();
    }
}
