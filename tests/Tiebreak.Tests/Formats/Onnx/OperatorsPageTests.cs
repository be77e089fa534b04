using System.Globalization;
using System.Text;
using Tiebreak.Formats.Onnx;
using Tiebreak.Formats.Onnx.Lowering;
using Tiebreak.Tests.House;
using Xunit;

namespace Tiebreak.Tests.Formats.Onnx;

/// <summary>docs/operators.md is written by this test (TIEBREAK_ACCEPT=1) from the table that lowering uses.</summary>
public sealed class OperatorsPageTests
{
    const int MostOperands = 16;

    [Fact]
    public void The_page_of_operators_is_up_to_date()
    {
        var path = Repository.File("docs", "operators.md");
        if (Environment.GetEnvironmentVariable("TIEBREAK_ACCEPT") == "1") File.WriteAllText(path, Page());
        Assert.Equal(File.ReadAllText(path), Page());
    }

    static string Page()
    {
        var page = new StringBuilder();
        page.Append(CultureInfo.InvariantCulture, $"""
            # Operators

            What the ONNX reader lowers: {Operators.Table.Count} operators, for models of opsets {OnnxReader.LowestOpset} to {OnnxReader.HighestOpset}. "Since" is the first opset whose meaning is lowered. "Weights" are
            the operands that are trained wherever they come from (contract: initializers, Constant and ConstantOfShape nodes), counted from 0. An operator that is not listed is refused by
            name; `--opaque OP` takes it as an unknown function of its operands.


            """);
        foreach (var domain in Operators.Table.Values.GroupBy(rule => rule.Domain, StringComparer.Ordinal).OrderBy(domain => domain.Key, StringComparer.Ordinal))
        {
            page.Append(CultureInfo.InvariantCulture, $"## {(domain.Key.Length == 0 ? "ai.onnx, the default domain" : domain.Key)}\n\n| operator | since | weights |\n|---|---|---|\n");
            foreach (var rule in domain.OrderBy(rule => rule.Type, StringComparer.Ordinal))
            {
                var opsets = rule.Until < OnnxReader.HighestOpset ? $"{rule.Since}, until {rule.Until}" : $"{rule.Since}";
                page.Append(CultureInfo.InvariantCulture, $"| {rule.Type} | {opsets} | {Weights(rule)} |\n");
            }

            page.Append('\n');
        }

        return page.ToString().TrimEnd('\n') + "\n";
    }

    static string Weights(OperatorRule rule)
    {
        var node = new global::Onnx.NodeProto { OpType = rule.Type, Domain = rule.Domain };
        var slots = Enumerable.Range(0, MostOperands).Where(slot => WeightUses.Of(node, slot) == WeightUse.Parametric).ToArray();
        return slots.Length == MostOperands ? "all" : string.Join(", ", slots);
    }
}
