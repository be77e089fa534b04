using Tiebreak.Formats;
using Tiebreak.Programs;
using Tiebreak.Proofs.Reasons;
using Tiebreak.Refinement;
using Tiebreak.Tests.Judge;
using Xunit;

namespace Tiebreak.Tests.Proofs;

/// <summary>Reasons are checked against the evaluator, at points other than those they were found at.</summary>
public sealed class ReasonTests
{
    static readonly int Programs = 150 * Agreement.More;

    [Fact]
    public void Recipes_make_every_element_as_the_evaluator_does()
    {
        var sums = 0;
        for (var seed = 0; seed < Programs; seed++)
        {
            if (Find(seed) is not var (model, partition)) continue;
            var (gradient, roots) = GradientOf(model);
            var values = PointValues.At(gradient, roots, State.Of(model, partition), new RefinementOptions { Seed = (ulong)seed });
            foreach (var node in gradient.Nodes.Where(values.Covers))
            {
                for (var k = 0; k < node.Shape.Count; k++)
                {
                    if (Recipe.Source(new Element(node, k)) is not { } source || Recipe.Of(source) is not { Kind: RecipeKind.Sum } recipe) continue;
                    sums++;
                    Assert.True(values[source] == values.Sum(recipe.Terms), $"seed {seed}: element {k} of {node}");
                    Assert.True(values[source] == values.Sum(recipe.Flat().Terms), $"seed {seed}: element {k} of {node}, flat");
                }
            }
        }

        Assert.InRange(sums, 1000, int.MaxValue);
    }

    [Fact]
    public void Every_fact_of_a_reason_holds_at_other_points_of_the_set()
    {
        var (equalities, zeros) = (0, 0);
        for (var seed = 0; seed < Programs; seed++)
        {
            if (Find(seed) is not var (model, partition)) continue;
            var reasoner = new Reasoner(model, partition, new RefinementOptions { Seed = 1 }, samples: null);
            var (gradient, roots) = GradientOf(model);
            var elsewhere = PointValues.At(gradient, roots, State.Of(model, partition), new RefinementOptions { Seed = 2 });
            foreach (var (left, right) in Ties(partition))
            {
                if (reasoner.Gradient(left.Tensor, left.Place) is not { } from || reasoner.Gradient(right.Tensor, right.Place) is not { } to) continue;
                foreach (var fact in reasoner.WhyEqual([(from, to)]))
                {
                    equalities++;
                    Assert.All(fact.Pairs, pair => Assert.True(elsewhere.Relation(new Element(gradient.Nodes[fact.Left.Id], pair.Left), new Element(gradient.Nodes[fact.Right.Id], pair.Right)) != 0, $"seed {seed}: {fact.Left} and {fact.Right}\n{RandomPrograms.Print(model)}"));
                    if (fact.Kind == FactKind.Parameters) Assert.All(fact.Pairs, pair => Assert.Equal(Class(model, partition, fact.Left, pair.Left), Class(model, partition, fact.Right, pair.Right)));
                }
            }

            foreach (var (tensor, place) in Stuck(partition))
            {
                if (reasoner.Gradient(tensor, place) is not { } element) continue;
                foreach (var fact in reasoner.WhyZero([element]))
                {
                    zeros++;
                    Assert.All(fact.Places, at => Assert.True(elsewhere[new Element(gradient.Nodes[fact.Node.Id], at)] == 0, $"seed {seed}: {fact.Node}"));
                    if (fact.Kind == ZeroKind.Parameters) Assert.All(fact.Places, at => Assert.Equal(0, Class(model, partition, fact.Node, at)));
                }
            }
        }

        Assert.InRange(equalities, 200, int.MaxValue);
        Assert.InRange(zeros, 200, int.MaxValue);
    }

    [Fact]
    public void Every_difference_is_followed_to_a_source()
    {
        var differences = 0;
        for (var seed = 0; seed < Programs; seed++)
        {
            if (Find(seed) is not var (model, partition)) continue;
            var reasoner = new Reasoner(model, partition, new RefinementOptions { Seed = 1 }, samples: null);
            foreach (var (left, right) in Neighbours(partition))
            {
                var (start, other) = (model.Parameters[left.Tensor].Start[left.Place], model.Parameters[right.Tensor].Start[right.Place]);
                if (Math.Abs(partition.Codes[left.Tensor][left.Place]) == Math.Abs(partition.Codes[right.Tensor][right.Place])) continue;
                var steps = PairReason.Apart(reasoner, left, right);
                differences++;
                Assert.True(steps.Count > 0 && steps[^1].Kind is "source" or "zero" or "cancellation", $"seed {seed}: {string.Join("; ", steps.Select(step => step.Text))} for {start} and {other}\n{RandomPrograms.Print(model)}");
            }
        }

        Assert.InRange(differences, 200, int.MaxValue);
    }

    static (Model Model, Partition Partition)? Find(int seed)
    {
        var model = RandomPrograms.Draw(seed);
        return SmallestInvariantSet.Find(model, new RefinementOptions { Seed = (ulong)seed }).Partition is { } partition ? (model, partition) : null;
    }

    static (TensorProgram Gradient, IEnumerable<Node> Roots) GradientOf(Model model)
    {
        var gradient = Tiebreak.Gradients.Gradient.Of(model.Program, model.OutputIsLoss, model.Parameters.Select(parameter => parameter.Name).ToHashSet());
        return (gradient, gradient.Outputs.Select(output => output.Node));
    }

    static int Class(Model model, Partition partition, Node node, int place) =>
        Math.Abs(partition.Codes[Enumerable.Range(0, model.Parameters.Count).Single(k => model.Parameters[k].Name == ((Primitive.Parameter)node.Primitive).Name)][place]);

    static IEnumerable<(int Tensor, int Place)> All(Partition partition) => partition.Codes.SelectMany((codes, tensor) => codes.Select((_, place) => (tensor, place)));

    static IEnumerable<(int Tensor, int Place)> Stuck(Partition partition) => All(partition).Where(parameter => partition.Codes[parameter.Tensor][parameter.Place] == 0);

    static IEnumerable<((int Tensor, int Place) Left, (int Tensor, int Place) Right)> Neighbours(Partition partition) => All(partition).Zip(All(partition).Skip(1));

    static IEnumerable<((int Tensor, int Place) Left, (int Tensor, int Place) Right)> Ties(Partition partition) =>
        All(partition).Where(parameter => partition.Codes[parameter.Tensor][parameter.Place] != 0).GroupBy(parameter => Math.Abs(partition.Codes[parameter.Tensor][parameter.Place]))
            .SelectMany(members => members.Skip(1).Select(member => (members.First(), member)));
}
