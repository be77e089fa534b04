using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Tests.Judge;
using Tiebreak.Tests.Programs;
using Xunit;

namespace Tiebreak.Tests.Data;

/// <summary>A program of many samples computes for each what the program of one computes.</summary>
public sealed class ManySamplesTests
{
    [Fact]
    public void Each_sample_is_computed_as_if_alone()
    {
        const int samples = 3;
        var seen = new HashSet<Type>();
        for (var seed = 0; seed < 400 * Agreement.More; seed++)
        {
            var program = (seed % 2 == 0 ? RandomPrograms.Draw(seed) : RandomMovements.Build(new Draft(new Choices([.. Enumerable.Range(0, 60).Select(k => (seed * 7919 + k * 104729) % 1_000_003)])))).Program;
            if (program.Nodes.Any(node => node.Primitive is Primitive.Apply { Function.Kind: not (FunctionKind.Step or FunctionKind.Sign) })) continue;
            Rational[] Leaf(Node node, int sample) =>
                [.. Enumerable.Range(0, (int)node.Shape.Count).Select(k => new Rational((k * 37 + seed + (node.Primitive is Primitive.Data data ? sample * 11 + data.Name.Length : 5)) % 13 - 6, 2))];
            IReadOnlyList<(string Name, Rational[] Values)> together;
            var many = ManySamples.Of(program, samples);
            ProgramGrammar.Check(many);
            try
            {
                together = RationalEvaluator.Evaluate(many, node => node.Primitive is Primitive.Data data
                    ? [.. Enumerable.Range(0, samples).SelectMany(sample => Leaf(program.Nodes.First(one => one.Primitive is Primitive.Data other && other.Name == data.Name), sample))]
                    : Leaf(node, 0));
            }
            catch (DivideByZeroException)
            {
                continue;
            }

            var alone = Enumerable.Range(0, samples).Select(sample => RationalEvaluator.Evaluate(program, node => Leaf(node, sample))).ToArray();
            for (var output = 0; output < program.Outputs.Count; output++)
                Assert.Equal(alone.SelectMany(one => one[output].Values), together[output].Values);
            foreach (var node in many.Nodes) seen.Add(node.Primitive.GetType());
        }

        foreach (var primitive in typeof(Primitive).GetNestedTypes().Where(type => type != typeof(Primitive.Apply))) Assert.Contains(primitive, seen);
    }
}
