using System.Reflection;
using Tiebreak.Tests.House;
using Xunit;

namespace Tiebreak.Tests.Cases;

public sealed class FactsTableTests
{
    /// <summary>The table's second column is the trait of the tests; rows about one place need as many tests.</summary>
    [Fact]
    public void Every_line_of_the_facts_table_is_a_test()
    {
        var lines = File.ReadAllLines(Repository.FromShared("cases", "README.md"));
        var places = lines.SkipWhile(line => !line.StartsWith("# Facts", StringComparison.Ordinal)).Where(line => line.StartsWith('|')).Skip(2).Select(line => line.Split('|')[2].Trim()).ToArray();
        Assert.InRange(places.Length, 20, int.MaxValue);
        var tested = typeof(FactsTableTests).Assembly.GetTypes().Where(type => type.Name.EndsWith("FactsTests", StringComparison.Ordinal))
            .SelectMany(type => type.GetMethods()).SelectMany(method => method.GetCustomAttributes<TraitAttribute>()).Where(trait => trait.Name == "where").CountBy(trait => trait.Value).ToDictionary();
        Assert.Empty(places.CountBy(place => place).Where(place => tested.GetValueOrDefault(place.Key) < place.Value).Select(place => place.Key));
        Assert.Empty(tested.Keys.Except(places));
    }
}
