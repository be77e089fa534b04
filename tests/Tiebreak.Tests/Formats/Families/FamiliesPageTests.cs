using Tiebreak.Formats.Families;
using Tiebreak.Tests.House;
using Xunit;

namespace Tiebreak.Tests.Formats.Families;

/// <summary>docs/families.md names every family.</summary>
public sealed class FamiliesPageTests
{
    [Fact]
    public void Every_family_is_in_the_table_and_among_the_names_of_weights()
    {
        var page = File.ReadAllText(Repository.File("docs", "families.md"));
        foreach (var type in Family.Known)
        {
            Assert.Contains($"`{type}`", page, StringComparison.Ordinal);
            Assert.Matches($@"\*\*[^*]*\b{type}\b[^*]*\*\*", page);
        }
    }
}
