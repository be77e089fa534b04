using Tiebreak.Formats.Onnx.Lowering;
using Tiebreak.Programs;
using Tiebreak.Tests.Gradients;
using Tiebreak.Tests.Programs;
using Xunit;

namespace Tiebreak.Tests.Formats.Onnx;

/// <summary>The gradient of what each operator is lowered to is near what central differences of it say.</summary>
public sealed class OperatorGradientTests
{
    const int Draws = 4;

    public static TheoryData<string, string> Operators => [.. OperatorInstances.All.Select(use => (use.Domain, use.Type)).Distinct()];

    [Theory]
    [MemberData(nameof(Operators))]
    public void The_gradient_of_each_operator_is_near_what_central_differences_say(string domain, string type)
    {
        foreach (var (_, _, describe) in OperatorInstances.All.Where(use => use.Domain == domain && use.Type == type))
        {
            for (var seed = 0; seed < Draws; seed++)
            {
                var dice = new Dice(seed);
                var use = new OperatorUse(dice, domain, type);
                describe(use, dice);
                var program = use.Lower();
                Assert.Contains(true, program.DependsOn(leaf => leaf is Primitive.Parameter));
                var problem = new FloatProof(program, use.Numbers, () => dice.Double(-1, 1)).Problem();
                Assert.True(problem is null, $"{type}, seed {seed}: {problem}\n{ProgramPrinter.Print(program)}");
            }
        }
    }

    [Fact]
    public void Every_operator_has_an_instance_or_a_reason()
    {
        var shown = OperatorInstances.All.Select(use => (use.Domain, use.Type)).ToHashSet();
        var missing = Tiebreak.Formats.Onnx.Lowering.Operators.Table.Keys.Where(key => !shown.Contains(key) && !OperatorInstances.WithoutDerivative.ContainsKey(key.Type));
        Assert.True(!missing.Any(), $"add a line to {nameof(OperatorInstances)} for {string.Join(", ", missing)}");
        Assert.DoesNotContain(shown, key => OperatorInstances.WithoutDerivative.ContainsKey(key.Type));
        Assert.All(OperatorInstances.WithoutDerivative.Keys, type => Assert.Contains(("", type), Tiebreak.Formats.Onnx.Lowering.Operators.Table.Keys));
    }
}
